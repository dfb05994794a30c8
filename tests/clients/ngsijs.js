// tests/clients/ngsijs.js - what an application with ngsijs asks of a broker.
//
//   node ngsijs.js URL	the token, the @context's Link in the environment;
//				what came on standard output, as JSON
'use strict';
const { createRequire } = require('node:module');
const NGSI = createRequire(process.env.HUB_CLIENTS + '/')('ngsijs');
const { TOKEN, CONTEXT } = process.env;

const ld = new NGSI.Connection(process.argv[2], { headers: {
  Authorization: `Bearer ${TOKEN}`, 'Hub-Purpose': 'hochwasserschutz' } }).ld;

async function failing(promise) {
  try {
    await promise;
    return 'no error';
  } catch (e) {
    return e.name;
  }
}

async function main() {
  const type = 'WaterObserved', context = CONTEXT;
  const page = await ld.queryEntities({ type, '@context': context, limit: 2,
    count: true });
  const warm = await ld.queryEntities({ type, '@context': context,
    q: 'waterLevel>2', keyValues: true });
  const id = 'urn:ngsi-ld:WaterObserved:B';
  const one = await ld.getEntity({ id, '@context': context,
    keyValues: true });
  console.log(JSON.stringify({
    count: page.count, ids: page.results.map((e) => e.id),
    warm: warm.results, one: one.entity,
    missing: await failing(ld.getEntity({ id: `${id}x`,
      '@context': context })),
    bad: await failing(ld.queryEntities({ type, '@context': context,
      q: '(((' })),
    writing: await failing(ld.createEntity({ id, type })),
  }));
}

main().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
