// chart.js - stacked bars, drawn by hand: a pattern beside each colour, the
// table with the same figures follows from whoever calls. The tab key stops once;
// from there the arrow keys go from part to part, and each tells its figure.
import { h, s } from './dom.js';

const LEFT = 190, RIGHT = 110, ROW = 30, WIDTH = 860;
const NAME_LEN = 24;	// what fits left of the bars
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

// The part to go to from one; at the end it stays.
function neighbour(parts, from, key) {
	const i = parts.indexOf(from), { row, part } = from.dataset;
	const above = parts.filter((p) => Number(p.dataset.row) < row).at(-1);
	const below = parts.find((p) => Number(p.dataset.row) > row);
	const beside = (p) => parts.find((x) => x.dataset.row === p?.dataset.row &&
		x.dataset.part === part) ?? p;

	return { ArrowRight: parts[i + 1], ArrowLeft: parts[i - 1],
		ArrowDown: beside(below), ArrowUp: beside(above),
		Home: parts[0], End: parts.at(-1) }[key];
}

const stop = (part, on) => part.setAttribute('tabindex', on ? 0 : -1);

function keydown(event) {
	const parts = [...event.currentTarget.querySelectorAll('.bar-part')];
	const to = neighbour(parts, event.target, event.key);

	if ([' ', 'Enter'].includes(event.key))
		event.target.dispatchEvent(new MouseEvent('click'));
	else if (to === undefined)
		return;
	else {
		parts.forEach((p) => stop(p, p === to));
		to.focus();
	}
	event.preventDefault();
}

const short = (name) => name.length <= NAME_LEN ? name :
	`${name.slice(0, NAME_LEN - 1)}…`;

// rows: [{ name, parts: [numbers, 0 or more], text, go }]; series: their names;
// go: what a click does, if there is something below.
export function bars(title, series, rows, format) {
	const id = `c${++charts}`;
	const sums = rows.map((r) => r.parts.reduce((a, b) => a + b, 0));
	const k = (WIDTH - LEFT - RIGHT) / Math.max(...sums, 1e-9);
	const height = rows.length * ROW + 10;
	const row = (r, i) => {
		const y = i * ROW + 5;
		let x = LEFT;

		return [s('text', { x: LEFT - 8, y: y + 16, 'text-anchor': 'end',
			'aria-hidden': 'true' }, short(r.name)), r.parts.map((v,
			part) => {
			const w = v * k;
			const said = `${r.name}, ${series[part]}: ${format(v)}`;

			x += w;
			return w > 0 && s('rect', { class: 'bar-part', x: x - w, y,
				width: w, height: 22, 'data-row': i,
				'data-part': part, tabindex: -1, role: r.go ?
				'button' : 'img', 'aria-label': said,
				click: r.go, fill: `url(#${id}p${part % 5})` },
				s('title', {}, said));
		}), s('text', { x: x + 8, y: y + 16, 'aria-hidden': 'true' },
			r.text)];
	};
	const svg = s('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${height}`,
		role: 'group', 'aria-label': title, keydown }, patterns(id),
		s('path', { class: 'axis', d: `M${LEFT} 0V${height}` }),
		rows.map(row));
	const first = svg.querySelector('.bar-part');

	if (first)
		stop(first, true);
	return svg;
}
