// app.js - the frame: who is logged in, which page is shown, in which language.
import { begin, end, get } from './api.js';
import { barrierefreiheit } from './barrierefreiheit.js';
import { field, h, note, say } from './dom.js';
import { about, finish, start } from './login.js';
import { daten } from './daten.js';
import { kosten } from './kosten.js';
import { lage } from './lage.js';
import { lang, setLang, t } from './texts.js';
import { wirkung } from './wirkung.js';

const pages = { lage, daten, kosten, wirkung };
const free = { barrierefreiheit };	// for anybody
const el = (id) => document.getElementById(id);
let me = null;		// what /hub/v1/me says; null: nobody is logged in
let hub = null;		// its name, contact and issuers; null: not known yet
let ended = false;	// the token ran out
let drawn = 0;		// the latest drawing wins

const wanted = () => {
	const name = location.hash.slice(1);

	return Object.hasOwn(pages, name) || Object.hasOwn(free, name) ? name :
		'lage';
};

// ---- who

async function enter(token) {
	begin(token, leave);
	try {
		me = await get('/hub/v1/me');
		ended = false;
	} catch (e) {
		end();
		throw e;
	}
}

function leave() {
	end();
	ended = me !== null;
	me = null;
	draw();
}

function failed(e) {
	el('main').append(note('bad', h('p', { role: 'alert' },
		`${t('login.failed')} (${e.message})`)));
}

function logout() {
	end();
	me = null;
	ended = false;
	draw(true);
}

const issuerButton = (offer) => h('p', {}, h('button', { type: 'button',
	click: () => start(offer, wanted()).catch(failed) },
	hub.issuers.length > 1 ? t('login.at', new URL(offer.issuer).host) :
	t('login.button')));

// For a hub that no issuer has a client for: tests, and people with hubctl.
function pasted() {
	const text = h('textarea', { spellcheck: 'false', autocomplete: 'off',
		required: true });
	const submit = (event) => {
		event.preventDefault();
		enter(text.value.trim()).then(() => draw(true), failed);
	};

	return h('details', { open: hub.issuers.length === 0 },
		h('summary', {}, t('login.paste')), note('warn',
		t('login.paste.note')), h('form', { submit },
		field(t('login.token'), text), h('p', {}, h('button',
		{ type: 'submit' }, t('login.paste.button')))));
}

function loginPage(main) {
	main.append(h('h1', { tabindex: -1 }, t('login.title')),
		h('p', {}, t('login.intro')), ended ? note('warn',
		t('login.ended')) : '', ...hub.issuers.map(issuerButton), pasted());
}

// ---- drawing

const titleOf = (page) => t(page in free ? `${page}.title` : me ?
	`nav.${page}` : 'login.title');

function drawFrame(page) {
	document.documentElement.lang = lang();
	document.title = `${titleOf(page)} – Drehscheibe`;
	el('skip').textContent = t('skip');
	el('foot').replaceChildren(t('foot'), ' ', h('a', { href:
		'#barrierefreiheit', 'aria-current': page in free ? 'page' : null
	}, t('barrierefreiheit.title')));
	el('nav').setAttribute('aria-label', t('nav.label'));
	el('nav').replaceChildren(me ? h('ul', {}, Object.keys(pages).map((p) =>
		h('li', {}, h('a', { href: `#${p}`, 'aria-current':
		p === page ? 'page' : null }, t(`nav.${p}`))))) : '');
	const other = lang() === 'de' ? 'en' : 'de';
	el('who').replaceChildren(me ? h('p', {}, me.title) : '', h('button', {
		type: 'button', class: 'quiet', lang: other, click: () => {
			setLang(other);
			draw();
			el('who').querySelector('button').focus();
		} }, other === 'en' ? 'English' : 'Deutsch'), me ? h('button', {
		type: 'button', class: 'quiet', click: logout }, t('logout')) :
		'');
}

async function draw(toHead) {
	const main = el('main'), page = wanted(), mine = ++drawn;
	const fresh = h('div', {});

	drawFrame(page);
	hub ??= await about();
	if (!me && !(page in free))
		loginPage(fresh);
	else
		fresh.append(h('h1', { tabindex: -1 }, t(`${page}.title`)));
	if (page in free)
		free[page](fresh, hub, me);
	main.replaceChildren(fresh);
	if (toHead)
		fresh.querySelector('h1').focus();
	if (page in free)
		return say(t('page.ready', titleOf(page)));
	if (!me)
		return;
	fresh.setAttribute('aria-busy', 'true');
	try {
		await pages[page](fresh, me);
	} catch (e) {
		if (me && mine === drawn)
			fresh.append(note('bad', t('page.failed', e.message)));
	}
	fresh.removeAttribute('aria-busy');
	if (me && mine === drawn)
		say(t('page.ready', t(`nav.${page}`)));
}

addEventListener('hashchange', () => draw(true));
el('skip').addEventListener('click', (event) => {
	event.preventDefault();		// its address would name another page
	el('main').focus();
});
try {
	const back = await finish();

	if (back) {
		history.replaceState(null, '', `#${back.then}`);
		await enter(back.token);
	}
	await draw();
} catch (e) {
	await draw().catch(() => {});
	failed(e);
}
