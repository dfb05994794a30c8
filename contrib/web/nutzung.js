// nutzung.js - what was used, from the month down to who it came from: each row
// and each bar leads one step further, by what the hub has summed up.
import { get } from './api.js';
import { bars } from './chart.js';
import { field, h, link, say, select, table, wide } from './dom.js';
import { month, number, t } from './texts.js';

const GROUPS = ['purpose', 'type', 'month', 'flow', 'provider'];
const DOWN = { month: 'purpose', purpose: 'type', type: 'flow' };
const FIGURES = ['requests', 'denied', 'entities', 'bytes', 'milli_units',
	'estimated', 'p50', 'p95'];
const figure = (name, v) => v === null ? '–' : typeof v === 'string' ? v :
	name === 'milli_units' ? number(v / 1000, 3) : number(v);

// An IRI's last part, which the region's terms are mostly named by.
const brief = (types) => types.split(',').map((x) => x.split(/[/#]/).at(-1))
	.join(', ');

// What a key stands for, as people call it.
function shown(kind, value, me) {
	if (kind === 'month')
		return month(value);
	if (kind === 'purpose')
		return me.purposes.find((p) => p.name === value)?.title ?? value;
	if (kind === 'type')
		return brief(value);
	return me.names.get(value) ?? value;
}

function target(period, by, way) {
	const q = new URLSearchParams({ period, by });

	for (const { kind, value } of way)
		q.set(kind === 'month' ? 'period' : kind, value);
	return `/hub/v1/usage?${q}`;
}

// Our own use is of whom it came from; in the table it stands in full.
const nameOf = (row, keys, me) => keys.filter((k) => k !== 'consumer' ||
	row[k] !== me.ags).map((k) => shown(k, row[k], me)).join(' ← ');

// Where rows are of nobody's use, there is nothing to draw.
function drawing(rows, keys, me, down) {
	if (!rows.some((r) => r.milli_units > 0))
		return null;
	return wide(bars(t('usage.bars'), [t('usage.milli_units')], rows.map(
		(r) => ({ name: nameOf(r, keys, me), parts: [Math.max(
		r.milli_units, 0)], text: figure('milli_units', r.milli_units),
		go: down(r) })), (v) => figure('milli_units', v)));
}

function figures(rows, by, me, down) {
	const keys = Object.keys(rows[0]).filter((k) =>
		!FIGURES.includes(k) && k !== 'estimated_milli_units');
	const has = FIGURES.filter((k) => k in rows[0]);
	const cell = (r, k) => {
		const go = down(r), name = shown(k, r[k], me) || '–';

		return go && k === by ? link(name, go) : name;
	};

	return [drawing(rows, keys, me, down), table(t('usage.table',
		t(`by.${by}`)), [...keys.map((k) => ({ title: t(`usage.${k}`) })),
		...has.map((k) => ({ title: t(`usage.${k}`), num: true }))],
		rows.map((r) => [...keys.map((k) => cell(r, k)),
		...has.map((k) => figure(k, r[k]))]))];
}

// The way down to here; each step but the last leads back to it.
const path = (top, way, me, up) => h('ol', { class: 'path',
	'aria-label': t('usage.path') }, [top, ...way.map(({ kind, value }) =>
	`${t(`usage.${kind}`)}: ${shown(kind, value, me)}`)].map((text, i) =>
	h('li', i === way.length ? { 'aria-current': 'step', tabindex: -1 } : {},
	i === way.length ? text : link(text, () => up(i)))));

// Figures name a municipality by its AGS; partners have agreements with us.
async function namesOf(me) {
	const names = new Map([[me.ags, me.title]]);

	for (const a of await get('/hub/v1/agreements').catch(() => []))
		names.set(a.providerAgs, a.providerTitle).set(a.consumerAgs,
			a.consumerTitle);
	return names;
}

export async function usage(period, top, who, refusal) {
	const me = { ...who, names: await namesOf(who) };
	const by = select(GROUPS.map((g) => [g, t(`by.${g}`)]), period.length ===
		4 ? 'month' : 'purpose');
	const out = h('div', {});
	let way = [], latest = 0;
	const draw = async () => {
		const mine = ++latest, kind = by.value;
		const rows = await get(target(period, kind, way)).catch(
			(e) => e);

		if (mine !== latest)
			return;
		const down = (r) => kind in DOWN && r[kind] ? () => walk([...way,
			{ kind, value: r[kind] }], DOWN[kind]) : null;
		const up = (i) => walk(way.slice(0, i), way[i].kind);
		const none = rows instanceof Error ? refusal(rows) :
			rows.length === 0 ? t('usage.none') : null;
		out.replaceChildren(...[path(top, way, me, up), none ? h('p', {},
			none) : figures(rows, kind, me, down), kind === 'flow' ?
			h('p', {}, t('usage.depth')) : null].flat()
			.filter((x) => x));
	};
	const walk = async (to, next) => {
		way = to;
		by.value = next;
		await draw();
		out.querySelector('[aria-current]').focus();
		say(t('usage.ready', t(`by.${next}`)));
	};

	by.addEventListener('change', () => {
		way = [];
		draw();
	});
	return { ready: draw(), nodes: [h('h2', {}, t('usage.title')),
		h('p', { class: 'noprint' }, t('usage.intro')), h('div',
		{ class: 'row' }, field(t('usage.by'), by)), out] };
}
