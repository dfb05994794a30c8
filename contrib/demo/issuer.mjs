// contrib/demo/issuer.mjs - the demo's OIDC issuer: oidc-provider with one
// client per tenant (client credentials), a public client for the web page
// (authorization code with PKCE) and JWT access tokens as the hub wants them
// (RFC 9068). Loopback only; keys live as long as the process.
//
//   node issuer.mjs PORT CLIENTS.json [PAGE]
//
// CLIENTS.json: [{"tenant": "unna", "secret": "...", "purposes": ["verkehr"]}]
// PAGE: address of the web page. There a tenant's name is the login; every
// password will do.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider, { interactionPolicy } from 'oidc-provider';

const [port, file, page] = process.argv.slice(2);
const tenants = JSON.parse(readFileSync(file, 'utf8'));
const byTenant = new Map(tenants.map((t) => [t.tenant, t]));
const byClient = new Map(tenants.map((t) => [`demo-${t.tenant}`, t]));
const audience = 'regional-hub';
const scopeOf = (t) =>
  ['hub.read', ...t.purposes.map((p) => `purpose:${p}`)].join(' ');
const allScopes = [...new Set(tenants.flatMap((t) => scopeOf(t).split(' ')))];
// "Fröndenberg" logs in as froendenberg.
const nameOf = (login) => login.toLowerCase().replaceAll('ä', 'ae')
  .replaceAll('ö', 'oe').replaceAll('ü', 'ue');
// Whose token it is: of a program, or of a person who logged in.
const tenantOf = (token) =>
  byClient.get(token.clientId) ??
  byTenant.get(nameOf(token.accountId ?? ''));
const rolesOf = (token) => byClient.has(token.clientId) ? ['data-reader'] :
  ['data-reader', 'finance-reader', 'tenant-admin'];

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'demo-1',
  use: 'sig', alg: 'RS256' };

const programs = tenants.map((t) => ({
  client_id: `demo-${t.tenant}`,
  client_secret: t.secret,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  scope: scopeOf(t),
}));
const webPage = {
  client_id: 'drehscheibe-web',
  client_name: 'Drehscheibe',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code'],
  redirect_uris: [page],
  response_types: ['code'],
  scope: ['openid', ...allScopes].join(' '),
};

// There is nothing to consent to: one's own page asks.
const policy = interactionPolicy.base();
policy.remove('consent');

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: page ? [...programs, webPage] : programs,
  scopes: ['openid', ...allScopes],
  pkce: { required: () => true, methods: ['S256'] },
  clientBasedCORS: (ctx, origin) => page && origin === new URL(page).origin,
  interactions: { policy },
  // A login is a tenant's name; anything else is nobody.
  findAccount: (ctx, id) => byTenant.has(nameOf(id)) ?
    { accountId: id, claims: () => ({ sub: id }) } : undefined,
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const tenant = byTenant.get(nameOf(session.accountId ?? ''));
    if (client.clientId !== webPage.client_id || !tenant)
      return undefined;
    const grant = new ctx.oidc.provider.Grant({
      clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid');
    grant.addResourceScope('urn:drehscheibe:regional-hub',
      scopeOf(tenant));
    await grant.save();
    return grant;
  },
  ttl: { ClientCredentials: 3600, AccessToken: 3600, IdToken: 600,
    AuthorizationCode: 60, Interaction: 600, Session: 3600, Grant: 3600 },
  features: {
    devInteractions: { enabled: Boolean(page) },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:drehscheibe:regional-hub',
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => ({
        scope: byClient.has(client.clientId) ?
          scopeOf(byClient.get(client.clientId)) : allScopes.join(' '),
        audience,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (ctx, token) => ({
    hub_tenant: tenantOf(token)?.tenant,
    resource_access: { [audience]: { roles: rolesOf(token) } },
  }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
