// api.js - what the page asks the hub, with the token of who is logged in.
import { lang } from './texts.js';

// In memory only: a reload forgets it.
const session = { token: null, context: null, onEnd: null };

export class Problem extends Error {
	constructor(status, title, detail) {
		super(detail || title || String(status));
		this.status = status;
	}
}

export function begin(token, onEnd) {
	session.token = token;
	session.onEnd = onEnd;
}
export function end() {
	session.token = session.context = session.onEnd = null;
}

// Numbers stay as they are written: 21.10 is no 21.1.
export function parse(text) {
	return JSON.parse(text, (key, value, more) =>
		typeof value === 'number' && more?.source !== undefined &&
		String(value) !== more.source ? more.source : value);
}

export async function ask(path, { purpose, context, accept } = {}) {
	const headers = { 'Accept-Language': lang(),
		Accept: accept ?? 'application/json' };
	const token = session.token;

	if (token)
		headers.Authorization = `Bearer ${token}`;
	if (purpose)
		headers['Hub-Purpose'] = purpose;
	if (context)
		headers.Link = `<${context}>; rel="http://www.w3.org/ns/json-ld#` +
			'context"; type="application/ld+json"';
	const began = performance.now();
	const answer = await fetch(path, { headers, cache: 'no-store',
		credentials: 'omit', redirect: 'error' });
	const text = await answer.text();
	const ms = performance.now() - began;

	if (answer.ok)
		return { text, ms, fields: answer.headers };
	if (answer.status === 401 && token && token === session.token)
		session.onEnd?.();
	let problem = {};
	try {
		problem = JSON.parse(text);
	} catch { /* what is no problem document has a status at least */ }
	throw new Problem(answer.status, problem.title, problem.detail);
}

export const get = async (path, how) => parse((await ask(path, how)).text);

// The terms of the region: the first of its contexts, as it has mostly one.
export async function context() {
	session.context ??= (await get('/ngsi-ld/v1/jsonldContexts'))[0] ?? '';
	return session.context;
}

// Values of a field that comes several times.
export const values = (fields, name) =>
	(fields.get(name) ?? '').split(/, (?=[^"]*(?:"[^"]*"[^"]*)*$)/)
		.filter((x) => x !== '');
