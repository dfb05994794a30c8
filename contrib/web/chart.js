// chart.js - stacked bars, drawn by hand: a pattern beside each colour, the
// table with the same figures follows from whoever calls.
import { h, s } from './dom.js';

const LEFT = 190, RIGHT = 110, ROW = 30, WIDTH = 860;
const PATTERNS = ['', 'M0 8 8 0', 'M0 0 8 8', 'M4 0V8', 'M0 4H8'];
let charts = 0;

const patterns = (id) => s('defs', {}, PATTERNS.map((d, i) => s('pattern', {
	id: `${id}p${i}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse' },
	s('rect', { class: `s${i}`, width: 8, height: 8 }),
	d && s('path', { class: 'hatch', d }))));

export const legend = (series) => h('ul', { class: 'legend' },
	series.map((name, i) => {
		const id = `c${++charts}`;

		return h('li', {}, s('svg', { viewBox: '0 0 16 16', class: 'chart',
			'aria-hidden': 'true' }, patterns(id), s('rect', { width: 16,
			height: 16, fill: `url(#${id}p${i % 5})` })), name);
	}));

// rows: [{ name, parts: [numbers, 0 or more], text }]; series: their names.
export function bars(title, series, rows, format) {
	const id = `c${++charts}`;
	const sums = rows.map((r) => r.parts.reduce((a, b) => a + b, 0));
	const k = (WIDTH - LEFT - RIGHT) / Math.max(...sums, 1e-9);
	const height = rows.length * ROW + 10;
	const row = (r, i) => {
		const y = i * ROW + 5;
		let x = LEFT;

		return [s('text', { x: LEFT - 8, y: y + 16, 'text-anchor': 'end' },
			r.name), r.parts.map((v, part) => {
			const w = v * k;

			x += w;
			return w > 0 && s('rect', { class: 'bar-part', x: x - w, y,
				width: w, height: 22,
				fill: `url(#${id}p${part % 5})` }, s('title', {},
				`${r.name}, ${series[part]}: ${format(v)}`));
		}), s('text', { x: x + 8, y: y + 16 }, r.text)];
	};

	return s('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${height}`,
		role: 'img', 'aria-label': title }, patterns(id), s('path', {
		class: 'axis', d: `M${LEFT} 0V${height}` }), rows.map(row));
}
