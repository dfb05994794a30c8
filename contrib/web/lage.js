// lage.js - what works now: crises, agreements, sources.
import { ask, context, get, values } from './api.js';
import { h, list, mark, note, table } from './dom.js';
import { date, number, t, time } from './texts.js';

const SOON_DAYS = 60;
const daysLeft = (day) => Math.ceil((Date.parse(`${day}T23:59:59`) -
	Date.now()) / 86400000);

// Of an agreement: what becomes of it, and how good that is.
export function state(a) {
	if (a.state !== 'in force')
		return { kind: a.state === 'draft' ? 'warn' : 'bad',
			text: t(`state.${a.state}`) };
	if (daysLeft(a.until) <= SOON_DAYS)
		return { kind: 'warn', text: t('state.soon',
			daysLeft(a.until)) };
	return { kind: 'good', text: t('state.in force') };
}

// ---- crises

const OPEN = { confirmed: 'bad', unconfirmed: 'bad', waiting: 'warn' };
const crisisNote = (c) => note(OPEN[c.state],
	h('p', {}, h('b', {}, t('crisis.of', c.kind, c.area))),
	t(`crisis.${c.state}`, c.authority, time(c.declaredAt),
	time(c.state === 'confirmed' ? c.until : c.confirmBy ?? c.until)),
	t('crisis.reason', c.reason), ...c.agreements.map((a) =>
	t(!a.widens ? 'crisis.touches' : c.state === 'waiting' ?
	'crisis.would' : 'crisis.widens', a.agreement)));

function crises(all) {
	const open = all.filter((c) => c.state in OPEN);

	return [h('h2', {}, t('crisis.title')), open.length === 0 ?
		note('good', t('crisis.none')) : open.map(crisisNote),
		all.length > open.length ? h('p', {}, t('crisis.past',
		number(all.length - open.length))) : null];
}

// ---- agreements

function tiles(agreements) {
	const n = (f) => number(agreements.filter(f).length);
	const tile = (key, f) => h('li', {}, h('b', {}, n(f)), t(key));

	return h('ul', { class: 'tiles' },
		tile('tile.force', (a) => a.state === 'in force'),
		tile('tile.soon', (a) => a.state === 'in force' &&
		daysLeft(a.until) <= SOON_DAYS),
		tile('tile.draft', (a) => a.state === 'draft'),
		tile('tile.other', (a) => !['in force', 'draft']
		.includes(a.state)));
}

const agreementRow = (a, me) => {
	const { kind, text } = state(a);

	return [a.datasetTitle, a.provider === me.tenant ? t('we') :
		a.providerTitle, a.consumer === me.tenant ? t('we') :
		a.consumerTitle, a.purposeTitle, date(a.until),
		mark(kind, text)];
};

const agreementTable = (agreements, me) => agreements.length === 0 ?
	note('', t('agreements.none')) : table(t('agreements.table'),
	['dataset', 'from', 'to', 'purpose', 'until', 'state'].map((c) => ({
	title: t(`column.${c}`) })), agreements.map((a) => agreementRow(a, me)));

// ---- sources: only a real question tells whether they answer

const typesFor = (agreements, me, purpose) => [...new Set(agreements
	.filter((a) => a.state === 'in force' && a.consumer === me.tenant &&
	a.purpose === purpose).flatMap((a) => a.shares.map((x) => x.type)))];

export const warning = (text) => {
	const [, number_, source] = /^(\d+) (\S+)/.exec(text) ?? [];
	const known = t(`warning.${number_}`);

	return known.startsWith('warning.') ? text : `${source}: ${known}`;
};

async function probe(purpose, types) {
	const { fields, ms } = await ask('/ngsi-ld/v1/entities?limit=1&type=' +
		encodeURIComponent(types.join(',')), { purpose: purpose.name,
		context: await context() });
	const bad = values(fields, 'NGSILD-Warning');

	return note(bad.length === 0 ? 'good' : 'warn', h('p', {}, h('b', {},
		purpose.title)), bad.length === 0 ? t('probe.good',
		number(Math.round(ms))) : list(bad.map(warning)));
}

function sources(agreements, me) {
	const out = h('div', { 'aria-live': 'polite' });
	const asked = me.purposes.map((p) => [p, typesFor(agreements, me,
		p.name)]).filter(([, types]) => types.length > 0);
	const click = async (event) => {
		event.target.disabled = true;
		out.replaceChildren(h('p', {}, t('probe.runs')));
		const notes = await Promise.all(asked.map(([p, types]) =>
			probe(p, types).catch((e) => note('bad', `${p.title}: ` +
			e.message))));
		out.replaceChildren(...notes);
		event.target.disabled = false;
	};

	return [h('h2', {}, t('probe.title')), asked.length === 0 ?
		h('p', {}, t('probe.nothing')) : [h('p', {}, t('probe.intro')),
		h('p', {}, h('button', { type: 'button', click },
		t('probe.button'))), out]];
}

export async function lage(main, me) {
	const [agreements, open] = await Promise.all([
		get('/hub/v1/agreements'), get('/hub/v1/crises')
		.catch((e) => e)]);

	main.append(h('p', {}, t('lage.intro', me.title, time(new Date()))),
		...(open instanceof Error ? [note('warn', t('crisis.unknown',
		open.message))] : crises(open).flat()).filter((x) => x),
		h('h2', {}, t('agreements.title')), tiles(agreements),
		agreementTable(agreements, me),
		...sources(agreements, me).flat());
}
