// tests/clients/invoice.mjs - writes an XRechnung by another program's hand.
//
//   node invoice.mjs <invoice.json	prints UBL
//
// The JSON is the structure of UBL with values; order, namespaces, profile and
// markup are the generator's own, and it refuses what is not in its schema.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// From where the test has installed it.
const require = createRequire(process.env.HUB_CLIENTS + '/');
const { InvoiceService } = require('@e-invoice-eu/core');

const quiet = { log() {}, warn() {}, error: console.error };
const xml = await new InvoiceService(quiet).generate(
  JSON.parse(readFileSync(0, 'utf8')),
  { format: 'XRECHNUNG-UBL', lang: 'de-de', noWarnings: true });
process.stdout.write(xml);
