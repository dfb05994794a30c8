// tests/clients/issuer.mjs - an OIDC issuer whose tokens look like those of a
// Keycloak realm, and whose key can be rotated while it runs.
//
//   node issuer.mjs	prints its port
//
// POST /rotate: from now on tokens are signed with another key; the old one
// stays among its keys.
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// From where the test has installed it.
const require = createRequire(process.env.HUB_CLIENTS + '/');
const { default: Provider } = await import(
  pathToFileURL(require.resolve('oidc-provider')).href);

const REALM = '/auth/realms/region';
const audience = 'regional-hub';
const scope = 'hub.read purpose:hochwasserschutz';
const keys = [];
let callback;

function rotate(port) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  keys.unshift({ ...privateKey.export({ format: 'jwk' }),
    kid: `realm-${keys.length + 1}`, use: 'sig', alg: 'RS256' });
  const provider = new Provider(`http://127.0.0.1:${port}${REALM}`, {
    jwks: { keys },
    clients: [{
      client_id: 'froendenberg-grafana', client_secret: 'geheim',
      grant_types: ['client_credentials'], redirect_uris: [],
      response_types: [], scope,
    }],
    scopes: ['openid', ...scope.split(' ')],
    ttl: { ClientCredentials: 300 },
    routes: { token: '/protocol/openid-connect/token',
      jwks: '/protocol/openid-connect/certs' },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:regional-hub',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope, audience, accessTokenTTL: 300, accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256', kid: keys[0].kid } },
        }),
      },
    },
    extraTokenClaims: (ctx, token) => ({
      hub_tenant: 'froendenberg', azp: token.clientId,
      preferred_username: `service-account-${token.clientId}`,
      realm_access: { roles: ['offline_access', 'uma_authorization'] },
      resource_access: { [audience]: { roles: ['data-reader'] } },
    }),
  });
  callback = provider.callback();
}

const server = createServer((req, res) => {
  if (req.method === 'POST' && req.url === '/rotate') {
    rotate(server.address().port);
    res.end(keys[0].kid);
    return;
  }
  req.originalUrl = req.url;
  req.url = req.url.slice(REALM.length) || '/';
  callback(req, res);
});
server.listen(0, '127.0.0.1', () => {
  rotate(server.address().port);
  console.log(`port=${server.address().port}`);
});
