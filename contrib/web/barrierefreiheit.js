// barrierefreiheit.js - the accessibility statement (BGG NRW, 10b; BITVNRW, 4):
// what holds for the page as it is, and whom the hub's operator named.
import { h, list, note } from './dom.js';
import { date, t } from './texts.js';

const AS_OF = '2026-11-23';	// when it was last gone through
const OFFICE = 'https://www.mags.nrw/ombudsstelle-barrierefreie-informationstechnik';
const OFFICE_MAIL = 'ombudsstelle-barrierefreie-it@mags.nrw.de';
const MISSING = ['language', 'map', 'terms', 'people'];

const mail = (address) => h('a', { href: `mailto:${address}` }, address);
const page = (address) => h('a', { href: address }, address);

// Who hears of barriers; where nobody is named, that is said.
const contact = (hub) => hub.contact === null ? note('warn',
	t('barrierefreiheit.nobody', hub.hub)) : h('p', {},
	t('barrierefreiheit.tell'), ' ', hub.contact.startsWith('https://') ?
	page(hub.contact) : mail(hub.contact));

export function barrierefreiheit(main, hub, me) {
	const head = (name) => h('h2', {}, t(`barrierefreiheit.${name}.title`));
	const text = (name) => h('p', {}, t(`barrierefreiheit.${name}`));

	main.append(h('p', {}, t('barrierefreiheit.intro', location.origin)),
		head('state'), text('state'), head('missing'),
		list(MISSING.map((x) => t(`barrierefreiheit.missing.${x}`))),
		head('checked'), h('p', {}, t('barrierefreiheit.checked',
		date(AS_OF))), head('contact'), contact(hub), head('office'),
		text('office'), list([page(OFFICE), mail(OFFICE_MAIL)]),
		me ? '' : h('p', {}, h('a', { href: '#lage' },
		t('barrierefreiheit.back'))));
}
