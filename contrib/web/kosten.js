// kosten.js - who pays what and why: the statement of a month or a year, the
// year in bars, what was used, another key, and files to take away.
import { Problem, ask, get } from './api.js';
import { bars, legend } from './chart.js';
import { field, h, link, list, note, save, say, select, table, wide } from
	'./dom.js';
import { usage } from './nutzung.js';
import { date, euro, month, number, t } from './texts.js';

const MONTHS_BACK = 24;

const pad = (n) => String(n).padStart(2, '0');
function periods() {
	const now = new Date(), all = [], years = [];

	for (let i = 0; i < MONTHS_BACK; i++) {
		const d = new Date(now.getFullYear(), now.getMonth() - i, 1);
		const year = String(d.getFullYear());

		all.push([`${year}-${pad(d.getMonth() + 1)}`]);
		if (!years.includes(year))
			years.push(year);
	}
	return [...all.map(([p]) => [p, month(p)]), ...years.map((y) => [y,
		t('period.year', y)])];
}

// The choice of a month or a year; show(period, go) fills what is below it, and
// go(period) leads to another one.
export function picker(show) {
	const choice = select(periods());
	const out = h('div', {});
	const go = async (period) => {
		if (![...choice.options].some((o) => o.value === period))
			choice.append(h('option', { value: period }, periodName(
				period)));
		choice.value = period;
		await draw();
		out.querySelector('h2')?.focus();
	};
	const draw = async () => {
		out.setAttribute('aria-busy', 'true');
		try {
			out.replaceChildren(...(await show(choice.value, go))
				.flat(3).filter((x) => x));
		} catch (e) {
			out.replaceChildren(note('bad', refusal(e)));
		}
		out.removeAttribute('aria-busy');
		say(t('period.ready', choice.selectedOptions[0].textContent));
	};

	choice.addEventListener('change', draw);
	return { ready: draw(), nodes: [h('div', { class: 'row period' },
		field(t('period.label'), choice)), out] };
}

export const refusal = (e) => e instanceof Problem && e.status === 403 ?
	t('figures.role') : e instanceof Problem && e.status === 404 ?
	t('figures.none') : t('figures.failed', e.message);

const keyName = (key) => t(`key.${key}`);
const periodName = (p) => p.length === 4 ? p : month(p);

// ---- the statement

const weightOf = (l) => l.weight === null ? '' : l.of === null ?
	number(l.weight) : t('cost.weight', number(l.weight), number(l.of));

const lineRows = (c) => c.lines.map((l) => [l.component, keyName(l.key),
	t('days', date(l.from), date(l.to)), weightOf(l),
	l.amount_cents === null ? '' : euro(l.amount_cents), euro(l.cents)]);

const columns = () => [{ title: t('cost.component') }, { title: t('cost.key') },
	{ title: t('cost.days') }, { title: t('cost.part'), num: true },
	{ title: t('cost.to_share'), num: true }, { title: t('cost.share'),
	num: true }];

function costBlock(c) {
	const raw = c.lines.reduce((sum, l) => sum + l.cents, 0);

	return [h('h3', {}, c.title), h('p', {}, t(`cost.${c.state}`), ' ',
		t('cost.rule', c.clause, c.model)), c.bounds_wait ? h('p', {},
		t('cost.bounds')) : null, table(t('cost.table', c.title),
		columns(), lineRows(c), [t('cost.sum'), '', '', '',
		euro(c.amount_cents), euro(c.share_cents)]),
		raw !== c.share_cents ? h('p', {}, t('cost.difference',
		euro(c.share_cents - raw))) : null,
		c.tax_cents !== 0 ? h('p', {}, t('cost.tax', euro(c.tax_cents),
		number(c.tax_percent), c.tax_basis)) : null,
		c.alone_cents !== null ? h('p', {}, t('cost.alone',
		euro(c.alone_cents))) : null];
}

const entryTable = (s) => s.entries.length === 0 ? h('p', {},
	t('entries.none')) : table(t('entries.table'), [
	{ title: t('entries.entry') }, { title: t('entries.type') },
	{ title: t('entries.service') }, { title: t('entries.booked') },
	{ title: t('entries.reason') }, { title: t('cost.share'), num: true }],
	s.entries.map((e) => [e.entry, e.type, e.service, e.booked, e.reason ?? '',
	euro(e.cents)]), [t('cost.sum'), '', '', '', '', euro(s.posted_cents)]);

function statement(s) {
	const whole = s.costs.reduce((sum, c) => sum + c.amount_cents, 0);

	if (s.costs.length === 0)
		return [note('', t('cost.nothing', periodName(s.period)))];
	return [note('', h('p', {}, t('cost.said', s.name, periodName(s.period),
		euro(s.share_cents), euro(whole))), s.tax_cents !== 0 ?
		t('cost.said.tax', euro(s.tax_cents)) : ''),
		s.costs.map(costBlock), h('h3', {}, t('entries.title')),
		entryTable(s)];
}

// ---- the year in bars: one part of a bar for each component

function parts(s, names) {
	const of = names.map(() => 0);

	for (const l of s.costs.flatMap((c) => c.lines))
		of[names.indexOf(l.component)] += l.cents;
	return of;
}

async function monthsOf(year) {
	const now = new Date();
	const last = year === String(now.getFullYear()) ? now.getMonth() + 1 : 12;
	const all = [];

	// One after the other: the hub takes few at a time from one tenant.
	for (let m = 1; m <= last; m++)
		all.push(await get(`/hub/v1/statements/${year}-${pad(m)}`));
	return all;
}

async function yearBars(year, go) {
	const months = await monthsOf(year);
	const names = [...new Set(months.flatMap((s) => s.costs.flatMap((c) =>
		c.lines.map((l) => l.component))))];
	const before = (i) => i === 0 ? '' : euro(months[i].share_cents -
		months[i - 1].share_cents);
	const rows = months.map((s) => ({ name: month(s.period),
		parts: parts(s, names).map((v) => Math.max(v, 0)),
		text: euro(s.share_cents), go: () => go(s.period) }));

	if (names.length === 0)
		return [];
	return [h('h2', {}, t('bars.title', year)), h('p', { class: 'noprint' },
		t('bars.intro')),
		wide(bars(t('bars.label', year), names, rows, euro)), legend(names),
		table(t('bars.table', year), [{ title: t('column.month') },
		...names.map((n) => ({ title: n, num: true })),
		{ title: t('bars.rounding'), num: true }, { title:
		t('cost.share'), num: true }, { title: t('bars.change'),
		num: true }], months.map((s, i) => {
			const p = parts(s, names);

			return [link(month(s.period), () => go(s.period)),
				...p.map(euro), euro(
				s.share_cents - p.reduce((a, b) => a + b, 0)),
				euro(s.share_cents), before(i)];
		}))];
}

// ---- what was booked, by member: the operator sees all, others themselves

async function booked(year) {
	const rows = await get(`/hub/v1/costs?period=${year}`);
	const members = [...new Set(rows.map((r) => r.name))];
	const titles = [...new Set(rows.map((r) => r.title))];
	const sum = (f) => rows.filter(f).reduce((n, r) => n + r.share_cents, 0);
	const line = (m) => titles.map((x) => sum((r) => r.name === m &&
		r.title === x));

	if (rows.length === 0)
		return [h('h2', {}, t('booked.title', year)), h('p', {},
			t('booked.none'))];
	return [h('h2', {}, t('booked.title', year)), wide(bars(t('booked.title',
		year), titles, members.map((m) => ({ name: m, parts: line(m)
		.map((v) => Math.max(v, 0)), text: euro(sum((r) => r.name ===
		m)) })), euro)), legend(titles), table(t('booked.title', year),
		[{ title: t('column.member') }, ...titles.map((x) => ({
		title: x, num: true })), { title: t('cost.sum'), num: true }],
		members.map((m) => [m, ...line(m).map(euro), euro(sum((r) =>
		r.name === m))]), [t('cost.sum'), ...titles.map((x) => euro(
		sum((r) => r.title === x))), euro(sum(() => true))])];
}

// ---- another key: the same weights with other shares of the cost

function weights(s) {
	const found = new Map();

	for (const l of s.costs.flatMap((c) => c.lines))
		if (Number(l.of) > 0)
			found.set(l.key, Number(l.weight) / Number(l.of));
	return found;
}

function whatIf(s) {
	const found = weights(s);
	const whole = s.costs.reduce((sum, c) => sum + c.amount_cents, 0);
	const out = h('div', { 'aria-live': 'polite' });
	const inputs = [...found.keys()].map((key, i) => [key, h('input', {
		type: 'number', min: 0, max: 100, step: 1, inputmode: 'numeric',
		value: i === 0 ? 100 : 0, required: true })]);
	const submit = (event) => {
		event.preventDefault();
		const sum = inputs.reduce((n, [, x]) => n + Number(x.value), 0);
		const share = inputs.reduce((n, [key, x]) => n + whole *
			Number(x.value) / 100 * found.get(key), 0);
		const cents = Math.round(share);

		out.replaceChildren(sum !== 100 ? note('warn', t('whatif.sum',
			number(sum))) : note('', t('whatif.said', euro(cents),
			euro(cents - s.share_cents))));
	};

	if (found.size === 0)
		return [];
	return [h('div', { class: 'noprint' }, h('h2', {}, t('whatif.title')),
		h('p', {}, t('whatif.intro')), h('form', { class: 'row', submit },
		inputs.map(([key, x]) => field(t('whatif.key', keyName(key)),
		x)), h('button', { type: 'submit' },
		t('whatif.button'))), out)];
}

// The hub's own ways have texts here; others come with theirs.
const way = ({ scenario, title }) => t(`way.${scenario}`)
	.startsWith('way.') ? title : t(`way.${scenario}`);
const formula = (f) => f.replace(/\d+\.\d+/, (n) => euro(Number(n) * 100))
	.replaceAll('+', ' + ');

async function comparison() {
	const c = await get('/hub/v1/comparison');
	const years = c.scenarios[0].totals.map((x) => x.years);

	return h('details', {}, h('summary', {}, t('compare.title')), h('p', {},
		t('compare.intro')), table(t('compare.table'), [{ title:
		t('compare.way') }, ...years.map((y) => ({ title: t('compare.years',
		number(y)), num: true }))], c.scenarios.map((x) => [`${x.scenario}` +
		`: ${way(x)}`, ...x.totals.map((y) => y.cents === null ?
		formula(y.formula) : euro(y.cents))])));
}

// ---- to take away

const FILES = [
	['html', 'text/html', (p) => `/hub/v1/statements/${p}`, 'bescheid'],
	['csv', 'text/csv', (p) => `/hub/v1/statements/${p}`, 'bescheid'],
	['csv', 'text/csv', (p) => `/hub/v1/costs?period=${p}`, 'kosten'],
	['csv', 'text/csv', (p) => `/hub/v1/usage?period=${p}&by=purpose`,
		'nutzung'],
];

function files(period) {
	const out = h('div', { 'aria-live': 'polite' });
	const take = async ([ending, type, path, name]) => {
		try {
			const a = await ask(path(period), { accept: type });

			save(`${name}-${period}.${ending}`, type, a.text);
			out.replaceChildren();
		} catch (e) {
			out.replaceChildren(note('bad', refusal(e)));
		}
	};

	return h('div', { class: 'noprint' }, h('h2', {}, t('files.title')),
		h('p', {}, t('files.intro')), list(FILES.map((f) => h('button',
		{ type: 'button', class: 'quiet', click: () => take(f) },
		t(`files.${f[3]}`, t(`files.as.${f[0]}`))))), h('p', {},
		h('button', { type: 'button', click: () => print() },
		t('files.print'))), out);
}

async function show(period, go, me) {
	const s = await get(`/hub/v1/statements/${period}`);
	const year = period.slice(0, 4);
	const used = await usage(period, periodName(period), me, refusal);

	await used.ready;
	return [h('h2', { tabindex: -1 }, t('cost.title', periodName(period))),
		statement(s), await yearBars(year, go), await booked(year),
		used.nodes, whatIf(s), await comparison().catch(() => null),
		files(period)];
}

export async function kosten(main, me) {
	const { ready, nodes } = picker((period, go) => show(period, go, me));

	main.append(h('p', {}, t('kosten.intro')), ...nodes);
	await ready;
}
