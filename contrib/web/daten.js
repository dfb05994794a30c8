// daten.js - what one may see and whom one lets see what; a question, its
// answer on a map and in a table, and why it is what it is.
import { Problem, ask, context, get, parse, values } from './api.js';
import { code, field, h, list, note, say, select, table, wide } from './dom.js';
import { state, warning } from './lage.js';
import { map } from './map.js';
import { date, number, t, time } from './texts.js';

// ---- agreements in sentences

function sentence(a, ours) {
	const shares = a.shares.map((x) => [h('b', {}, x.type), ': ',
		x.attributes, x.limits ? h('span', {}, ` (${x.limits})`) : '']);
	const { text } = state(a);

	return [t(ours ? 'sees.we' : 'sees.they', ours ? a.providerTitle :
		a.consumerTitle, a.datasetTitle, a.purposeTitle, date(a.until)),
		a.state === 'in force' ? '' : ` ${t('sees.not', text)}`,
		h('ul', { class: 'plain' }, shares.map((x) => h('li', {}, x)))];
}

const group = (title, agreements, ours, none) => [h('h2', {}, title),
	agreements.length === 0 ? h('p', {}, none) :
	list(agreements.map((a) => sentence(a, ours)))];

function sentences(agreements, me) {
	const live = agreements.filter((a) => a.state === 'in force');
	const mine = live.filter((a) => a.consumer === me.tenant);
	const theirs = live.filter((a) => a.provider === me.tenant);
	const rest = agreements.filter((a) => a.state !== 'in force');

	return [...group(t('sees.title.we'), mine, true, t('sees.none.we')),
		h('p', {}, t('sees.own')),
		...group(t('sees.title.they'), theirs, false,
		t('sees.none.they')), ...(rest.length === 0 ? [] : [
		h('h2', {}, t('sees.title.not')), list(rest.map((a) =>
		sentence(a, a.consumer === me.tenant)))])];
}

// ---- the answer

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const shown = (v) => v === null || v === undefined ? '' :
	typeof v === 'object' ? '@value' in v ? shown(v['@value']) :
	JSON.stringify(v) : ISO.test(v) ? time(v) : String(v);

// One attribute: its value with its unit; several instances stand below each
// other.
const UNITS = { MTR: 'm', CMT: 'cm', MMT: 'mm', CEL: '°C', MQS: 'm³/s',
	KMT: 'km', P1: '%', HPA: 'hPa', MTS: 'm/s', KMH: 'km/h', DD: '°' };
const instance = (a) => a === null || typeof a !== 'object' ? shown(a) :
	shown(a.value ?? a.object ?? a.languageMap ?? a.vocab ?? a.json) +
	(a.unitCode ? `\u00a0${UNITS[a.unitCode] ?? a.unitCode}` : '');
const cell = (a) => [a].flat().map(instance).join('; ');
const plain = (name) => !['id', 'type', '@context', 'location', 'name',
	'scope'].includes(name);
const title = (e) => cell(e.name ?? '') || e.id.split(':').at(-1);

function placeOf(e) {
	const where = [e.location].flat()[0]?.value;

	return where?.type === 'Point' ? where.coordinates.map(Number) : null;
}

function answerTable(found) {
	const names = [...new Set(found.flatMap((e) => Object.keys(e)
		.filter(plain)))];

	return table(t('answer.table'), [{ title: t('column.name') },
		{ title: t('column.number'), num: true },
		...names.map((n) => ({ title: n }))], found.map((e, i) => [
		title(e), String(i + 1), ...names.map((n) =>
		Object.hasOwn(e, n) ? cell(e[n]) : '')]));
}

function answerMap(found, areas, me) {
	const places = found.map((e, i) => ({ number: i + 1, title: title(e),
		at: placeOf(e) })).filter((p) => p.at !== null);

	return places.length === 0 ? [h('p', {}, t('map.none'))] : [wide(
		map(t('map.title', number(places.length)), areas, places,
		me.tenant)), h('p', {}, t('map.note'))];
}

// The log is written a moment after the answer.
async function explain(id) {
	for (let i = 0; ; i++) {
		try {
			return await get(`/hub/v1/explain/${id}`);
		} catch (e) {
			if (!(e instanceof Problem) || e.status !== 404 || i === 8)
				throw e;
			await new Promise((go) => setTimeout(go, 250));
		}
	}
}

async function why(id) {
	try {
		const d = await explain(id);

		return [list(d.sentences.map((x) => x.text)), h('p', {},
			t('why.id', id))];
	} catch (e) {
		return [h('p', {}, t(e.status === 501 ? 'why.nolog' : 'why.none',
			e.message)), h('p', {}, t('why.id', id))];
	}
}

async function answer(a, areas, me) {
	const found = parse(a.text);
	const bad = values(a.fields, 'NGSILD-Warning');
	const used = values(a.fields, 'Hub-Agreement');
	const narrowed = values(a.fields, 'Hub-Narrowing');
	const total = a.fields.get('NGSILD-Results-Count') ?? found.length;
	const said = t('answer.said', number(found.length), number(total),
		number(Math.round(a.ms)));

	say(said);
	return [h('h3', {}, t('answer.title')), note(bad.length ? 'warn' :
		'good', said, used.length ? t('answer.used', used.map((x) =>
		x.replace(';v=', ` (${t('version')} `) + (x.includes(';v=') ?
		')' : '')).join(', ')) : t('answer.unused'),
		narrowed.length ? t('answer.narrowed', narrowed.map((x) =>
		t(`narrow.${x}`)).join(', ')) : ''),
		bad.length ? note('warn', t('answer.failed'),
		list(bad.map(warning))) : '',
		...(found.length ? [...answerMap(found, areas, me),
		answerTable(found)] : []), code(t('answer.raw'), a.text),
		h('h3', {}, t('why.title')), ...await why(a.fields.get(
		'Request-Id'))];
}

// ---- the question

// What agreements tell; the hub's own list of types would be counted as use.
const typesOf = (agreements, me, purpose) => [...new Set(agreements.filter(
	(a) => a.provider === me.tenant || (a.state === 'in force' &&
	a.purpose === purpose)).flatMap((a) => a.shares.map((x) => x.type)))];

function target(type, q, limit) {
	const u = new URLSearchParams({ type, limit, count: 'true' });

	if (q)
		u.set('q', q);
	return `/ngsi-ld/v1/entities?${u}`;
}

let lists = 0;

function question(me, agreements, areas) {
	const purpose = select(me.purposes.map((p) => [p.name, p.title]));
	const known = h('datalist', { id: `types${++lists}` });
	const type = h('input', { type: 'text', list: known.id, required: true,
		autocomplete: 'off', spellcheck: 'false' });
	const q = h('input', { type: 'text', autocomplete: 'off',
		spellcheck: 'false' });
	const limit = select([20, 100, 500].map((n) => [n, String(n)]));
	const out = h('div', {});
	const button = h('button', { type: 'submit' }, t('ask.button'));
	const fillTypes = () => {
		const types = typesOf(agreements, me, purpose.value);

		known.replaceChildren(...types.map((x) => h('option',
			{ value: x })));
		type.value = types[0] ?? '';
	};
	const submit = async (event) => {
		event.preventDefault();
		button.disabled = true;
		try {
			out.replaceChildren(...await answer(await ask(target(
				type.value.trim(), q.value.trim(), limit.value), {
				purpose: purpose.value, context: await context()
			}), areas, me));
		} catch (e) {
			out.replaceChildren(note('bad', h('p', { role: 'alert' },
				t('ask.failed', e.message))));
		}
		button.disabled = false;
	};

	purpose.addEventListener('change', fillTypes);
	fillTypes();
	return [h('form', { class: 'row', submit }, known,
		field(t('ask.purpose'), purpose), field(t('ask.type'), type,
		t('ask.type.hint')),
		field(t('ask.q'), q, t('ask.q.hint')), field(t('ask.limit'),
		limit), button), out];
}

export async function daten(main, me) {
	const [agreements, areas] = await Promise.all([
		get('/hub/v1/agreements'), get('/hub/v1/areas', {
		accept: 'application/json' })]);
	const form = me.purposes.length ? question(me, agreements,
		areas.features) : [note('', t('ask.nopurpose'))];

	main.append(...sentences(agreements, me), h('h2', {}, t('ask.title')),
		h('p', {}, t('ask.intro')), ...form);
}
