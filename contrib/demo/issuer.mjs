// contrib/demo/issuer.mjs - the demo's OIDC issuer: oidc-provider with one
// client per tenant (client credentials) and JWT access tokens as the hub
// wants them (RFC 9068). Loopback only; keys live as long as the process.
//
//   node issuer.mjs PORT CLIENTS.json
//
// CLIENTS.json: [{"tenant": "unna", "secret": "...", "purposes": ["verkehr"]}]
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, file] = process.argv.slice(2);
const tenants = JSON.parse(readFileSync(file, 'utf8'));
const byClient = new Map(tenants.map((t) => [`demo-${t.tenant}`, t]));
const audience = 'regional-hub';
const scopeOf = (t) =>
  ['hub.read', ...t.purposes.map((p) => `purpose:${p}`)].join(' ');

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'demo-1',
  use: 'sig', alg: 'RS256' };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  clients: tenants.map((t) => ({
    client_id: `demo-${t.tenant}`,
    client_secret: t.secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: scopeOf(t),
  })),
  scopes: [...new Set(tenants.flatMap((t) => scopeOf(t).split(' ')))],
  ttl: { ClientCredentials: 3600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:drehscheibe:regional-hub',
      getResourceServerInfo: (ctx, resource, client) => ({
        scope: scopeOf(byClient.get(client.clientId)),
        audience,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: (ctx, token) => ({
    hub_tenant: byClient.get(token.clientId).tenant,
    resource_access: { [audience]: { roles: ['data-reader'] } },
  }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
