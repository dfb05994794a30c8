// login.js - OpenID Connect in the browser: authorization code with PKCE (RFC
// 7636, RFC 9700), for a public client. What must outlive the way to the issuer
// and back is in sessionStorage, used once; a token never is.
const KEEP = 'login';
const here = () => `${location.origin}/`;

const base64url = (bytes) => btoa(String.fromCharCode(...bytes))
	.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = async (text) => base64url(new Uint8Array(await
	crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))));

async function json(url, how) {
	const answer = await fetch(url, { credentials: 'omit', ...how });

	if (!answer.ok)
		throw new Error(`${new URL(url).host}: ${answer.status}`);
	return answer.json();
}

async function discover(issuer) {
	const found = await json(`${issuer.replace(/\/$/, '')}` +
		'/.well-known/openid-configuration');

	// OpenID Connect Discovery, 4.3: byte for byte.
	if (found.issuer !== issuer)
		throw new Error('issuer');
	return found;
}

// Where people can log in, none: []; the hub's name, and who hears of barriers.
export const about = () => json('/hub/v1/login');

export async function start({ issuer, clientId, scope }, then) {
	const { authorization_endpoint: to } = await discover(issuer);
	const kept = { issuer, clientId, then, state: random(),
		nonce: random(), verifier: random() };
	const url = new URL(to);

	if (!/^https?:$/.test(url.protocol))
		throw new Error('authorization_endpoint');
	for (const [name, value] of Object.entries({ response_type: 'code',
		client_id: clientId, redirect_uri: here(), scope,
		state: kept.state, nonce: kept.nonce,
		code_challenge: await sha256(kept.verifier),
		code_challenge_method: 'S256' }))
		url.searchParams.set(name, value);
	sessionStorage.setItem(KEEP, JSON.stringify(kept));
	location.assign(url);
}

const claims = (jwt) => JSON.parse(new TextDecoder().decode(Uint8Array.from(
	atob(jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')),
	(c) => c.charCodeAt(0))));

// The ID token comes straight from the issuer (OpenID Connect Core, 3.1.3.7):
// it answers this login, of this client, by this issuer.
function check(idToken, kept) {
	const c = claims(idToken);

	if (c.iss !== kept.issuer || c.nonce !== kept.nonce ||
	    ![c.aud].flat().includes(kept.clientId))
		throw new Error('id_token');
}

// Are we back from an issuer? null, or { token, then }. The address is cleaned
// first: a code must not stay in the history.
export async function finish() {
	const back = new URLSearchParams(location.search);
	const text = sessionStorage.getItem(KEEP);

	if (!back.has('state'))
		return null;
	history.replaceState(null, '', here());
	sessionStorage.removeItem(KEEP);
	const kept = JSON.parse(text ?? '{}');
	if (!kept.state || back.get('state') !== kept.state ||
	    (back.has('iss') && back.get('iss') !== kept.issuer))
		throw new Error('state');
	if (!back.has('code'))
		throw new Error(back.get('error') ?? 'code');
	const { token_endpoint: at } = await discover(kept.issuer);
	const got = await json(at, { method: 'POST', body: new URLSearchParams({
		grant_type: 'authorization_code', code: back.get('code'),
		redirect_uri: here(), client_id: kept.clientId,
		code_verifier: kept.verifier }) });
	check(got.id_token, kept);
	if (!/^bearer$/i.test(got.token_type))
		throw new Error('token_type');
	return { token: got.access_token, then: kept.then };
}
