// page.mjs - what a person does with the web page, in Debian's chromium;
// started by page.t with one JSON argument.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const at = JSON.parse(process.argv[2]);
const require = createRequire(`${at.modules}/x.js`);
const { chromium } = require('playwright-core');
const { HtmlValidate } = require('html-validate');
const AXE = require.resolve('axe-core/axe.min.js');
const LEVELS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
const PAGES = ['lage', 'daten', 'kosten', 'wirkung'];
const STATEMENT = 'barrierefreiheit';
const WAYS = [['at_320_pixels', { viewport: { width: 320, height: 640 } }],
	['at_200_per_cent', { viewport: { width: 640, height: 400 },
		deviceScaleFactor: 2 }],
	['in_forced_colours', { forcedColors: 'active' }],
	['in_dark_forced_colours', { forcedColors: 'active',
		colorScheme: 'dark' }]];
const WAIT = 8000 * at.slow;

const browser = await chromium.launch({ executablePath:
	'/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage',
	'--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, ' +
	'EXCLUDE 127.0.0.1'] });
const tests = [];
const test = (name, fn, how) => tests.push([name, fn, how]);
const check = (good, what) => {
	if (!good)
		throw new Error(typeof what === 'string' ? what :
			JSON.stringify(what));
};
const same = (got, want, what) => check(JSON.stringify(got) ===
	JSON.stringify(want), `${what}: ${JSON.stringify(got)}, not ` +
	JSON.stringify(want));

// A fresh person: nothing stored, all that goes wrong is noted.
async function person(how) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true,
		locale: 'de-DE', viewport: { width: 1100, height: 800 },
		...how });
	const page = await context.newPage();
	const bad = [];

	context.setDefaultTimeout(WAIT);
	page.on('console', (m) => m.type() === 'error' && bad.push(m.text()));
	page.on('pageerror', (e) => bad.push(e.message));
	page.on('request', (r) => {
		const origin = new URL(r.url()).origin;

		if (![new URL(at.url).origin, at.issuer, 'null']
			.includes(origin))
			bad.push(`asked ${origin}`);
	});
	return { page, bad, close: () => context.close() };
}

const loginButton = (page) => page.locator('main button').first();
async function login(page) {
	await page.goto(at.url);
	await loginButton(page).click();
	await page.waitForSelector('nav a');
}
const settled = (page) => page.waitForFunction(() => document
	.querySelector('main [aria-busy]') === null && document
	.querySelector('#live').textContent !== '');
async function open(page, name) {
	const link = `${name === STATEMENT ? 'footer' : 'nav'} a[href="#${name}"]`;

	await page.click(link);
	await page.waitForSelector(`${link}[aria-current]`);
	await settled(page);
}
async function axe(page, what) {
	// The policy lets no script in; a debugger's is none of the page's.
	const source = readFileSync(AXE, 'utf8');

	await page.evaluate(source);
	const found = await page.evaluate((values) => globalThis.axe.run(
		document, { runOnly: { type: 'tag', values } }), LEVELS);
	same(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]),
		[], `axe, ${what}`);
	check(found.passes.length > 6, `axe looked at little, ${what}`);
}
const width = (page) => page.evaluate(() =>
	document.scrollingElement.scrollWidth);
const shot = (page, name) => page.screenshot({ fullPage: true,
	path: `${at.shots}/${name}.png` });

test('logs_in_with_code_and_pkce', async ({ page }) => {
	await login(page);
	same(await page.textContent('#who p'), 'Stadt Fröndenberg/Ruhr', 'who');
	same(page.url(), `${at.url}#lage`, 'the code left the address');
	same(await page.evaluate(() => [sessionStorage.length,
		Object.keys(localStorage)]), [0, []], 'what is stored');
	await page.reload();
	await page.waitForSelector('main button');
	same(await page.locator('nav a').count(), 0, 'a reload forgets');
});

for (const how of ['state', 'nonce'])
	test(`refuses_a_login_with_another_${how}`, async ({ page }) => {
		await page.request.get(`${at.issuer}/bad?how=${how}`);
		await page.goto(at.url);
		await loginButton(page).click();
		await page.waitForSelector('[role=alert]');
		same(await page.locator('nav a').count(), 0, 'pages');
		same(await page.evaluate(() => sessionStorage.length), 0,
			'what is kept');
		await page.request.get(`${at.issuer}/bad?how=none`);
	});

test('takes_a_pasted_token', async ({ page }) => {
	await page.goto(at.url);
	await page.click('summary');
	await page.fill('textarea', at.token);
	await page.click('form button');
	await page.waitForSelector('nav a');
});

test('says_when_the_login_has_ended', async ({ page, bad }) => {
	await login(page);
	await page.route('**/hub/v1/agreements', (r) => r.fulfill({
		status: 401, body: '{}' }));
	await page.click('nav a[href="#daten"]');
	await page.waitForSelector('main .note.warn');
	same(await page.locator('nav a').count(), 0, 'pages');
	check(bad.splice(0).every((x) => x.includes('401')), 'noise');
});

test('shows_all_pages_in_two_languages_without_axe_findings', async ({
	page }) => {
	await page.goto(at.url);
	await page.waitForSelector('main button');
	await axe(page, 'login');
	await shot(page, 'login');
	await login(page);
	for (const language of ['de', 'en']) {
		for (const name of [...PAGES, STATEMENT]) {
			await open(page, name);
			same(await page.getAttribute('html', 'lang'), language,
				'lang');
			same(await page.locator('main .note.bad')
				.allTextContents(), [], name);
			await page.evaluate(() => document.querySelectorAll(
				'details').forEach((d) => { d.open = true; }));
			await axe(page, `${name} ${language}`);
			await shot(page, `${name}-${language}`);
			const text = await page.textContent('body');
			const loose = /\{\d\}|\b(answer|barrierefreiheit|bars|cost|crisis|login|sees|key|usage|measure|narrow|state|column)\.[a-z]/;
			check(!loose.test(text), `${name}: ${loose.exec(text)}`);
		}
		await page.click('#who button');
	}
});

test('answers_a_question_with_map_table_and_reasons', async ({ page }) => {
	await login(page);
	await open(page, 'daten');
	check((await page.textContent('main')).includes(
		'Stadt Schwerte zeigt uns'), 'the sentence');
	await page.click('form button');
	await page.waitForSelector('svg.map');
	same(await page.locator('svg.map .dot').count(), 2, 'dots');
	const table = await page.textContent('main table');
	check(table.includes('21.10\u00a0m'), `exact: ${table}`);
	check(table.includes('<b>Eins</b>'), 'markup is text');
	check(!await page.locator('main b:text-is("Eins")').count(), 'no tag');
	check((await page.textContent('main')).includes('s-f (Fassung 1)'),
		'the agreement');
	await page.waitForSelector('h3:has-text("Warum") + ul li');
	await axe(page, 'answer');
	await shot(page, 'answer');
	await page.selectOption('form select >> nth=0', 'verkehr');
	same(await page.inputValue('input[list]'), '', 'a draft offers nothing');
});

test('asks_the_sources_only_when_told_to', async ({ page }) => {
	let asked = 0;

	// Contexts are told to anybody and not counted.
	page.on('request', (r) => {
		asked += /ngsi-ld\/v1\/(?!jsonldContexts)/.test(r.url());
	});
	await login(page);
	await settled(page);
	await open(page, 'daten');
	await open(page, 'lage');
	same(asked, 0, 'questions');
	await page.click('main button');
	await page.waitForSelector('[aria-live] .note.good');
	same(asked, 1, 'questions');
});

test('tells_of_crises_by_their_state', async ({ page }) => {
	const crisis = (state, more) => ({ event: 1, kind: 'flood',
		authority: 'kreis-unna', area: 'schwerte', state,
		reason: 'Pegel <i>hoch</i>', declaredAt: '2026-11-22T10:00:00Z',
		until: '2026-11-25T10:00:00Z', confirmBy: null, agreements: [{
			agreement: 's-f', widens: true }], ...more });

	await page.route('**/hub/v1/crises', (r) => r.fulfill({ json: [
		crisis('waiting', { confirmBy: '2026-11-22T12:00:00Z' }),
		crisis('confirmed'), crisis('over'), crisis('reported')] }));
	await login(page);
	await settled(page);
	same(await page.locator('main .note.bad').count(), 1, 'in force');
	const text = await page.textContent('main');
	check(text.includes('und bestätigt; gilt bis 25.11.2026, 11:00'), text);
	check(text.includes('gilt noch nicht') && text.includes('13:00'),
		text);
	check(text.includes('gäbe dann mehr frei'), text);
	check(text.includes('<i>hoch</i>'), 'markup is text');
	check(text.includes('Vergangene Krisen, die Sie betrafen: 2.'), text);
	await axe(page, 'crises');
	await shot(page, 'crises');
});

test('shows_a_statement_bars_and_another_key', async ({ page }) => {
	await login(page);
	await open(page, 'kosten');
	check(/(50|75),00\u00a0€/.test(await page.textContent('main .note')),
		await page.textContent('main .note'));
	check(/allein würde es (36|37|38|39|40)\d,\d\d\u00a0€ kosten/.test(
		await page.textContent('main')), 'alone, of a month');
	check(await page.locator('svg.chart .bar-part').count() > 1, 'bars');
	const bars = page.locator('svg.chart').first();
	check(await bars.evaluate((b) => {
		while (b && b.tagName !== 'SECTION')
			b = b.nextElementSibling;
		return b?.querySelector('table') !== null;
	}), 'a table follows');
	const ways = await page.textContent('main details table');
	check(/B1: KDN-Mindestbetrag[^€]*25\.000,00\u00a0€ \+ f/.test(ways) &&
		!ways.includes('operation'), ways);
	const inputs = page.locator('input[type=number]');
	await inputs.first().fill('90');
	await page.click('button:has-text("Rechnen")');
	check((await page.textContent('.note.warn')).includes('90'), 'the sum');
	const got = page.waitForEvent('download');
	await page.click('button:has-text("Bescheid als CSV")');
	check((await (await got).suggestedFilename()).startsWith('bescheid-'),
		'a file');
	check((await page.pdf({ path: `${at.shots}/kosten.pdf` })).length >
		20000, 'paper');
});

// What is asked is summed up a moment later; kosten shows what is there.
async function used(page) {
	await open(page, 'daten');
	await page.click('form button');
	await page.waitForSelector('svg.map');
	for (const until = Date.now() + 3 * WAIT; ; ) {
		const a = await page.request.get(`${at.url}hub/v1/usage?` +
			`period=${new Date().getFullYear()}`, { headers: {
			Authorization: `Bearer ${at.token}` } });

		if ((await a.json()).length > 0)
			return;
		check(Date.now() < until, 'nothing is summed up');
		await new Promise((go) => setTimeout(go, 200));
	}
}
const thisMonth = () => new Date().toLocaleDateString('de-DE', { month: 'long',
	year: 'numeric', timeZone: 'Europe/Berlin' });
const focused = (page) => page.evaluate(() => document.activeElement
	.getAttribute('aria-label') ?? document.activeElement.textContent);

test('goes_down_from_the_month_to_who_it_came_from', async ({ page }) => {
	const steps = () => page.locator('.path li').allTextContents();
	const follow = async (name) => {
		await page.click(`main table button.link:text-is("${name}")`);
		await page.waitForSelector(`.path li[aria-current]:has-text("${
			name}")`);
	};
	const month = thisMonth(), year = month.split(' ')[1];

	await login(page);
	await used(page);
	await open(page, 'kosten');
	await page.selectOption('main select >> nth=0', year);
	await page.waitForSelector(`.path li:text-is("${year}")`);
	same(await page.inputValue('main select >> nth=1'), 'month', 'first');
	// The last chart is that of usage: a bar leads down as a row does.
	await page.locator('svg.chart .bar-part[aria-label*="Einheiten"]')
		.first().click();
	await page.waitForSelector('.path li >> nth=1');
	same(await steps(), [year, `Monat: ${month}`], 'the month');
	same(await focused(page), `Monat: ${month}`, 'the focus goes along');
	await follow('Hochwasserschutz');
	await follow('WaterObserved');
	same(await steps(), [year, `Monat: ${month}`,
		'Zweck: Hochwasserschutz', 'Art der Daten: WaterObserved'],
	'the way');
	const text = await page.textContent('main');
	check(text.includes('Stadt Fröndenberg/RuhrStadt Schwerte'),
		'from whom');
	check(text.includes('Tiefer geht es nicht'), 'what is not there');
	await axe(page, 'the end of the way');
	await shot(page, 'nutzung');
	await page.click('.path button >> nth=1');
	await page.waitForFunction(() => document.querySelectorAll('.path li')
		.length === 2);
	same(await page.inputValue('main select >> nth=1'), 'purpose', 'up');
	await page.selectOption('main select >> nth=1', 'flow');
	await page.waitForFunction(() => document.querySelectorAll('.path li')
		.length === 1);
});

test('bars_tell_their_figures_to_the_keyboard', async ({ page }) => {
	const press = async (key) => {
		await page.keyboard.press(key);
		return focused(page);
	};

	await login(page);
	await open(page, 'kosten');
	const parts = page.locator('svg.chart >> nth=0').locator('.bar-part');
	const said = await parts.evaluateAll((all) => all.map((p) =>
		p.getAttribute('aria-label')));
	check(/^Januar \d{4}, sockel: \d+,\d\d\u00a0€$/.test(said[0]), said[0]);
	same(await parts.evaluateAll((all) => all.filter((p) => p.tabIndex === 0)
		.length), 1, 'one stop');
	await page.locator('.scroll:has(svg.chart) >> nth=0').focus();
	same(await press('Tab'), said[0], 'in');
	same(await press('ArrowRight'), said[1], 'right');
	same(await press('ArrowLeft'), said[0], 'left');
	same(await press('ArrowLeft'), said[0], 'stays');
	if (said.length > 2) {
		same(await press('ArrowDown'), said[2], 'down');
		same(await press('ArrowUp'), said[0], 'up');
	}
	same(await press('End'), said.at(-1), 'last');
	same(await parts.last().evaluate((p) => getComputedStyle(p)
		.strokeWidth), '5px', 'what has the focus shows it');
	same(await press('Home'), said[0], 'first');
	await press('Enter');
	await page.waitForFunction(() => document.activeElement.tagName ===
		'H2');
	same(await focused(page), `Bescheid ${said[0].split(',')[0]}`, 'there');
});

// Tab until what has the focus is that; a person would, too.
async function tabTo(page, what, most = 60) {
	for (let i = 0; i < most; i++) {
		await page.keyboard.press('Tab');
		if (await focused(page) === what)
			return;
	}
	check(false, `no way to ${what}`);
}

test('works_with_the_keyboard_alone', async ({ page }) => {
	const press = async (...keys) => {
		for (const key of keys)
			await page.keyboard.press(key);
	};
	const follow = async (what, then) => {
		await tabTo(page, what);
		await press('Enter');
		await page.waitForFunction((head) => document.querySelector(
			'main h1')?.textContent === head, then);
		await settled(page);
		same(await focused(page), then, 'the head of the page');
	};

	await page.goto(at.url);
	await page.waitForSelector('main button');
	await press('Tab');
	same(await focused(page), 'Zum Inhalt', 'first');
	await press('Enter', 'Tab');
	same(await focused(page), 'Anmelden', 'behind the head');
	same(await page.evaluate(() => getComputedStyle(document.activeElement)
		.outlineStyle), 'solid', 'what has the focus shows it');
	await press('Enter');
	await page.waitForSelector('nav a');
	await settled(page);
	await tabTo(page, 'Quellen jetzt prüfen');
	await press('Enter');
	await page.waitForSelector('[aria-live] .note.good');
	await page.reload();			// the head comes first again
	await login(page);
	await settled(page);
	await follow('Daten', 'Daten');
	await tabTo(page, 'Fragen');
	await press('Enter');
	await page.waitForSelector('svg.map');
	await press('Control+Home');
	await page.evaluate(() => document.querySelector('#skip').focus());
	await follow('Kosten', 'Kosten');
	const got = page.waitForEvent('download');
	await tabTo(page, 'Bescheid als CSV');
	await press('Enter');
	check((await (await got).suggestedFilename()).endsWith('.csv'), 'file');
	await follow('Erklärung zur Barrierefreiheit',
		'Erklärung zur Barrierefreiheit');
	await page.evaluate(() => document.querySelector('#skip').focus());
	await tabTo(page, 'English');
	await press('Enter');
	await page.waitForSelector('html[lang=en]');
	same(await focused(page), 'Deutsch', 'the button keeps the focus');
	await page.evaluate(() => document.querySelector('#skip').focus());
	await follow('Impact', 'Impact');
	await page.evaluate(() => document.querySelector('#skip').focus());
	await tabTo(page, 'Log out');
	await press('Enter');
	await page.waitForFunction(() => document.querySelector('nav a') ===
		null);
	same(await focused(page), 'Log in', 'logged out');
});

const BLACK = 'rgb(0, 0, 0)', WHITE = 'rgb(255, 255, 255)';
// Ground and ink of each; of what is drawn the ink twice.
const colours = (page, ...which) => page.evaluate((all) => all.flatMap((x) => {
	const c = getComputedStyle(document.querySelector(x));

	return x.startsWith('svg') ? [c.fill, c.fill] : [c.backgroundColor,
		c.color];
}), which);

// The ground of the page shows whether the colours are really the system's. axe
// takes what is drawn on nothing for drawn on white, which a dark system's is
// not; the rest it has said of the light one.
for (const [name, how] of WAYS)
	test(`every_page_stands_${name}`, async ({ page }) => {
		const dark = how.colorScheme === 'dark';
		const look = async (what) => dark || axe(page,
			`${what} ${name}`);
		const system = dark ? [BLACK, WHITE] : [WHITE, BLACK];

		await page.goto(at.url);
		await page.waitForSelector('main button');
		await look('login');
		await shot(page, `login-${name}`);
		await login(page);
		for (const which of [...PAGES, STATEMENT]) {
			await open(page, which);
			if (which === 'daten') {
				await page.click('form button');
				await page.waitForSelector('svg.map');
				await page.waitForSelector('h3 + ul li');
			}
			if (how.viewport)
				same(await width(page), how.viewport.width,
					which);
			else
				same(await colours(page, 'body', 'header'), [
					...system, ...system], which);
			if (which === 'daten' && !how.viewport)
				same(await colours(page, 'svg.map .place'),
					[system[1], system[1]], 'the map');
			await look(which);
			await shot(page, `${which}-${name}`);
		}
	}, how);

test('forced_colours_show_where_one_is', async ({ page }) => {
	const lines = () => page.locator('nav a').evaluateAll((all) => all.map(
		(a) => getComputedStyle(a).borderBottomColor));

	await login(page);
	await open(page, 'kosten');
	const [lage, daten, kosten, wirkung] = await lines();
	same([lage, daten, wirkung], Array(3).fill('rgb(255, 255, 255)'), 'off');
	check(kosten !== lage, 'on');
	await page.locator('svg.chart .bar-part').first().focus();
	await page.keyboard.press('ArrowRight');
	const focused = page.locator('svg.chart .bar-part:focus');
	const other = page.locator('svg.chart .bar-part').first();
	const stroke = (x) => x.evaluate((e) => getComputedStyle(e).stroke);
	check(await stroke(focused) !== await stroke(other), 'the focus');
}, { forcedColors: 'active' });

// ---- paper

const text = (pdf) => execFileSync(at.pdftotext, ['-layout', pdf, '-'],
	{ encoding: 'utf8' });

test('prints_every_page_without_what_is_for_the_screen', async ({ page }) => {
	const says = { lage: ['Lage', 'Stadt Schwerte', 'in Kraft'],
		daten: ['Daten', 'Was wir sehen dürfen', 'WaterObserved'],
		kosten: ['Kosten', 'Januar', 'sockel', 'Summe', '€'],
		wirkung: ['Wirkung', thisMonth(), 'Über die Stadtgrenze'],
		barrierefreiheit: ['Erklärung zur Barrierefreiheit',
			'barrieren@kreis-unna.example', 'Ombudsstelle'] };

	await login(page);
	await used(page);
	for (const [name, words] of Object.entries(says)) {
		const pdf = `${at.shots}/${name}.pdf`;

		await open(page, name);
		check((await page.pdf({ path: pdf, format: 'A4' })).length >
			5000, name);
		if (!at.pdftotext)
			continue;
		const said = text(pdf);
		for (const word of words)
			check(said.includes(word), `${name}: no ${word}`);
		for (const word of ['Abmelden', 'English', 'Fragen\n',
			'Zum Mitnehmen', 'Quellen jetzt prüfen'])
			check(!said.includes(word), `${name}: ${word}`);
	}
	if (at.pdftotext)
		check(text(`${at.shots}/kosten.pdf`).includes('Hochwasserschutz'),
			'what leads on is printed as text');
});

test('the_statement_prints_as_the_hub_writes_it', async ({ page }) => {
	await login(page);
	await open(page, 'kosten');
	const got = page.waitForEvent('download');
	await page.click('button:has-text("Bescheid als druckbare Seite")');
	const html = readFileSync(await (await got).path(), 'utf8');
	await page.route('**/bescheid', (r) => r.fulfill({ body: html,
		contentType: 'text/html; charset=utf-8' }));
	await page.goto(`${at.url}bescheid`);
	await axe(page, 'statement');
	await shot(page, 'bescheid');
	await page.pdf({ path: `${at.shots}/bescheid.pdf`, format: 'A4' });
	if (at.pdftotext)
		check(/sockel +gleiche Teile/.test(text(
			`${at.shots}/bescheid.pdf`)), 'a line');
	await valid(html, 'statement');
});

// ---- markup

// What the page writes by hand: style is the project's own business.
const rules = new HtmlValidate({ extends: ['html-validate:standard',
	'html-validate:a11y', 'html-validate:document'], rules: {
	'doctype-style': 'off', 'long-title': 'off', 'no-trailing-whitespace':
	'off', 'require-sri': 'off', 'void-style': 'off' } });
async function valid(html, what) {
	const report = await rules.validateString(html);

	same(report.results.flatMap((r) => r.messages).map((m) =>
		`${m.ruleId}: ${m.message} (${m.line}:${m.column})`), [], what);
}

test('writes_valid_html', async ({ page }) => {
	await valid(await (await page.request.get(at.url)).text(), 'index.html');
	await login(page);
	await used(page);
	for (const name of [...PAGES, STATEMENT]) {
		await open(page, name);
		if (name === 'daten') {
			await page.click('form button');
			await page.waitForSelector('svg.map');
		}
		await valid(`<!doctype html>${await page.evaluate(() =>
			document.documentElement.outerHTML)}`, name);
	}
});

// ---- the accessibility statement

test('the_statement_of_accessibility_is_for_anybody', async ({ page }) => {
	await page.goto(at.url);
	await page.waitForSelector('main button');
	await open(page, STATEMENT);
	same(await page.getAttribute('main a[href^="mailto:b"]', 'href'),
		'mailto:barrieren@kreis-unna.example', 'whom to tell');
	same(await page.locator('nav a').count(), 0, 'no pages');
	await page.click('main a[href="#lage"]');
	await page.waitForSelector('main button');
	await page.route('**/hub/v1/login', (r) => r.fulfill({ json: {
		hub: 'hub.example', contact: null, issuers: [] } }));
	await page.goto(`${at.url}#${STATEMENT}`);
	await page.reload();
	await page.waitForSelector('main .note.warn');
	check((await page.textContent('main .note.warn')).includes(
		'hub.example'), 'who is to name somebody');
});

let passed = 0, failed = 0;
for (const [name, fn, how] of tests) {
	const p = await person(how);
	const began = Date.now();

	try {
		await fn(p);
		same(p.bad, [], 'errors and outside requests');
		passed++;
		console.log(`ok ${name} (${((Date.now() - began) / 1000)
			.toFixed(1)} s)`);
	} catch (e) {
		failed++;
		console.log(`not ok ${name}: ${e.message}`);
	}
	await p.close();
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
