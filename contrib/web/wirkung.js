// wirkung.js - what comes of it: the four indicators, with the year before.
import { get } from './api.js';
import { h, note, table } from './dom.js';
import { picker } from './kosten.js';
import { month, number, t } from './texts.js';

const INDICATORS = ['I1', 'I2', 'I3', 'I4'];
const isFigure = (v) => /^-?\d+(\.\d+)?$/.test(v ?? '');

// Figures as they are written in the language; "<5" stays; none is "unknown".
function shown(measure, v) {
	if (v === null)
		return t('wirkung.unknown');
	if (!isFigure(v))
		return v;
	const digits = (v.split('.')[1] ?? '').length;

	return number(v, digits) + (measure.endsWith('-percent') ? '\u00a0%' :
		'');
}

const ofWhom = (r) => r.of === '' ? t('wirkung.all') :
	r.of.replace(/\d{4}-\d{2}/, month);

function block(name, rows) {
	if (rows.length === 0)
		return [];
	return [h('h2', {}, t(`wirkung.${name}`)), h('p', {},
		t(`wirkung.${name}.what`)), table(t(`wirkung.${name}`), [
		{ title: t('wirkung.measure') }, { title: t('wirkung.of') },
		{ title: t('wirkung.value'), num: true }, { title:
		t('wirkung.previous'), num: true }], rows.map((r) => [
		t(`measure.${r.measure}`), ofWhom(r), shown(r.measure, r.value) +
		(r.estimated ? ' *' : ''), shown(r.measure, r.previous)]))];
}

async function show(period) {
	const rows = await get(`/hub/v1/indicators?period=${period}`);
	const total = rows.find((r) => r.indicator === 'I4');

	return [total && isFigure(total.value) ? note('', t('wirkung.said',
		shown(total.measure, total.value))) : null,
		INDICATORS.map((i) => block(i, rows.filter((r) =>
		r.indicator === i))), rows.some((r) => r.estimated) ? h('p', {},
		t('wirkung.estimated')) : null];
}

export async function wirkung(main) {
	const { ready, nodes } = picker(show);

	main.append(h('p', {}, t('wirkung.intro')), ...nodes);
	await ready;
}
