// map.js - areas and places on a plain drawing: no tiles, nothing from outside.
import { s } from './dom.js';

const WIDTH = 800;

function bounds(points) {
	const b = [Infinity, Infinity, -Infinity, -Infinity];

	for (const [x, y] of points) {
		b[0] = Math.min(b[0], x);
		b[1] = Math.min(b[1], y);
		b[2] = Math.max(b[2], x);
		b[3] = Math.max(b[3], y);
	}
	return b;
}

// Degrees to the drawing: a degree of longitude is shorter by the cosine of the
// latitude, which is near enough over a region.
function projection(points) {
	const [x0, y0, x1, y1] = bounds(points);
	const squeeze = Math.cos((y0 + y1) / 2 * Math.PI / 180);
	const margin = Math.max((x1 - x0) * squeeze, y1 - y0, 0.01) * 0.05;
	const w = (x1 - x0) * squeeze + 2 * margin;
	const k = WIDTH / w;

	return { height: Math.min(Math.max((y1 - y0 + 2 * margin) * k, 300), 1000),
		at: ([x, y]) => [((x - x0) * squeeze + margin) * k,
			(y1 - y + margin) * k] };
}

const rings = (area) => area.geometry.coordinates.flat(1);
const outline = (area, at) => rings(area).map((ring) => `M${ring.map((p) =>
	at(p).map((v) => v.toFixed(1)).join(' ')).join('L')}Z`).join('');

function label(area, at) {
	const [x0, y0, x1, y1] = bounds(rings(area)[0].map(at));

	return s('text', { class: 'place', x: (x0 + x1) / 2, y: y0 + (y1 - y0) * 0.28,
		'text-anchor': 'middle', 'font-size': 20, 'stroke-width': 4 },
		area.properties.title);
}

function dot(place, x, y) {
	return s('g', {}, s('title', {}, place.title), s('circle', { class: 'dot',
		cx: x, cy: y, r: 13, 'stroke-width': 2 }), s('text', { class: 'num',
		x, y: y + 5, 'text-anchor': 'middle', 'font-size': 14 },
		place.number));
}

// Dots that would hide each other stand side by side.
function spread(places, at) {
	const taken = [];

	return places.map((p) => {
		let [x, y] = at(p.at);

		while (taken.some(([a, b]) => Math.hypot(a - x, b - y) < 24))
			x += 12;
		taken.push([x, y]);
		return dot(p, x, y);
	});
}

const size = (area) => {
	const [x0, y0, x1, y1] = bounds(rings(area).flat(1));

	return (x1 - x0) * (y1 - y0);
};

// areas: GeoJSON features; places: [{ number, title, at: [lon, lat] }].
export function map(title, given, places, own) {
	const areas = given.toSorted((a, b) => size(b) - size(a));
	const points = [...areas.flatMap((a) => rings(a).flat(1)),
		...places.map((p) => p.at)];
	if (points.length === 0)
		return null;
	const { height, at } = projection(points);

	return s('svg', { class: 'map', viewBox: `0 0 ${WIDTH} ${height}`,
		role: 'img', 'aria-label': title }, areas.map((a) => s('path', {
		class: a.properties.name === own ? 'area own' : 'area',
		'fill-rule': 'evenodd', 'stroke-width': 2, d: outline(a, at) })),
		areas.map((a) => label(a, at)), spread(places, at));
}
