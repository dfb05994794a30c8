// dom.js - elements made by hand: text is always text, never markup.
const SVG = 'http://www.w3.org/2000/svg';

function fill(el, props, children) {
	for (const [name, value] of Object.entries(props ?? {})) {
		if (value === undefined || value === null || value === false)
			continue;
		if (typeof value === 'function')
			el.addEventListener(name, value);
		else
			el.setAttribute(name, value === true ? '' : value);
	}
	el.append(...children.flat(3).filter((c) => c !== null &&
		c !== undefined && c !== false));
	return el;
}

// h('p', { class: 'x', click: fn }, 'text', h('b', {}, 'more'))
export const h = (tag, props, ...children) =>
	fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) =>
	fill(document.createElementNS(SVG, tag), props, children);

export const note = (kind, ...texts) =>
	h('div', { class: `note ${kind}` }, texts.map((x) =>
		x instanceof Node ? x : h('p', {}, x)));
export const mark = (kind, text) => h('span', { class: `mark ${kind}` }, text);
// Leads somewhere within the page: a button that looks like a link.
export const link = (text, click) =>
	h('button', { type: 'button', class: 'link', click }, text);
export const list = (items) =>
	h('ul', { class: 'plain' }, items.map((x) => h('li', {}, x)));
export const code = (summary, text) =>
	h('details', {}, h('summary', {}, summary), h('pre', { tabindex: 0 },
		text));

// columns: [{ title, num }]; rows: arrays of texts or nodes, the first cell is
// the row's head; foot: one more such row.
export function table(caption, columns, rows, foot) {
	const row = (cells) => h('tr', {}, cells.map((c, i) => h(
		i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null,
		class: columns[i].num ? 'num' : null }, c ?? '')));
	const head = h('tr', {}, columns.map((c) => h('th', { scope: 'col',
		class: c.num ? 'num' : null }, c.title)));

	return h('section', { class: 'scroll', tabindex: 0,
		'aria-label': caption }, h('table', {}, h('caption', {}, caption),
		h('thead', {}, head), h('tbody', {}, rows.map(row)),
		foot ? h('tfoot', {}, row(foot)) : null));
}

// A drawing that stays readable on a narrow screen: it scrolls by itself.
export const wide = (drawing) => h('div', { class: 'scroll', tabindex: 0,
	role: 'group', 'aria-label': drawing.getAttribute('aria-label') },
	drawing);

let fields = 0;
// A labelled input, select or textarea.
export function field(label, control, hint) {
	const id = `f${++fields}`;

	control.id = id;
	if (hint)
		control.setAttribute('aria-describedby', `${id}h`);
	return h('div', { class: 'field' }, h('label', { for: id }, label),
		control, hint ? h('p', { class: 'hint', id: `${id}h` }, hint) :
		null);
}
export const select = (options, chosen) =>
	h('select', {}, options.map(([value, text]) => h('option', { value,
		selected: value === chosen }, text)));

export function say(text) {
	document.getElementById('live').textContent = text;
}

// A file from what is there already.
export function save(name, type, text) {
	const url = URL.createObjectURL(new Blob([text], { type }));

	h('a', { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 10000);
}
