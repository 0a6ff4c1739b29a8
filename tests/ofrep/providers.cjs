// The server and the web provider of OpenFeature for JavaScript, unchanged. Asks for a change by the line `change`.
const assert = require('node:assert');
const server = require('@openfeature/server-sdk');
const web = require('@openfeature/web-sdk');
const { OFREPProvider } = require('@openfeature/ofrep-provider');
const { OFREPWebProvider } = require('@openfeature/ofrep-web-provider');

const baseUrl = process.env.STEWARD_URL;
let failed = 0;
function check(what, found, expected) {
  try {
    assert.deepStrictEqual(found, expected);
    console.log(`ok: ${what}`);
  } catch (e) {
    failed += 1;
    console.log(`FAILED: ${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  }
}
const seen = (d) => [d.value, d.variant, d.reason, d.errorCode];

// Browsers have it; Node 20 does not. As much of it as the provider uses.
globalThis.EventSource = class {
  constructor(url) {
    this.readyState = 0;
    this.listeners = {};
    this.stop = new AbortController();
    this.read(url).catch((e) => { if (e.name !== 'AbortError') { this.readyState = 2; this.tell('error', e); } });
  }
  addEventListener(kind, listener) { (this.listeners[kind] ??= []).push(listener); }
  tell(kind, event) { for (const listener of this.listeners[kind] ?? []) listener(event); }
  close() { this.readyState = 2; this.stop.abort(); }
  async read(url) {
    const answer = await fetch(url, { signal: this.stop.signal, headers: { accept: 'text/event-stream' } });
    if (answer.headers.get('content-type') !== 'text/event-stream') throw new Error(await answer.text());
    this.readyState = 1;
    this.tell('open', {});
    let text = '';
    for await (const part of answer.body) {
      text += new TextDecoder().decode(part);
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const data = text.slice(0, end).split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim());
        if (data.length) this.tell('message', { data: data.join('\n') });
      }
    }
  }
};

async function onServers() {
  await server.OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl }));
  const client = server.OpenFeature.getClient();
  const german = { targetingKey: 'u1', country: 'DE' };
  check('server: boolean', seen(await client.getBooleanDetails('plain', false, german)), [true, 'on', 'STATIC', undefined]);
  check('server: disabled', seen(await client.getBooleanDetails('off', true, german)), [false, 'off', 'DISABLED', undefined]);
  check('server: string', (await client.getStringDetails('german', '', german)).value, 'german');
  check('server: number', (await client.getNumberDetails('half', 0, german)).value, 0.5);
  check('server: integer', (await client.getNumberDetails('whole', 0, german)).value, 3);
  check('server: object', (await client.getObjectDetails('theme', {}, german)).value, { colour: 'red', sizes: [1, 2] });
  check('server: unknown', seen(await client.getBooleanDetails('nothing', true, german)).slice(0, 1), [true]);
  check('server: unknown code', (await client.getBooleanDetails('nothing', true, german)).errorCode, 'FLAG_NOT_FOUND');
  check('server: nobody named', (await client.getStringDetails('button', 'x', {})).errorCode, 'TARGETING_KEY_MISSING');
  await server.OpenFeature.close();
}

async function inBrowsers() {
  const asked = [];
  const fetchImplementation = async (...request) => {
    const answer = await fetch(...request);
    asked.push(answer.status);
    return answer;
  };
  await web.OpenFeature.setContext({ targetingKey: 'u1', country: 'DE' });
  const provider = new OFREPWebProvider({ baseUrl, fetchImplementation, pollInterval: 0, cacheMode: 'disabled' });
  await web.OpenFeature.setProviderAndWait(provider);
  const client = web.OpenFeature.getClient();
  check('web: boolean', seen(client.getBooleanDetails('plain', false)), [true, 'on', 'STATIC', undefined]);
  check('web: string', client.getStringDetails('german', '').value, 'german');
  check('web: number', client.getNumberDetails('half', 0).value, 0.5);
  check('web: object', client.getObjectDetails('theme', {}).value, { colour: 'red', sizes: [1, 2] });
  check('web: unknown', client.getBooleanDetails('nothing', true).errorCode, 'FLAG_NOT_FOUND');
  await web.OpenFeature.setContext({ targetingKey: 'u1', country: 'AT' });
  check('web: another context', client.getStringDetails('german', '').value, 'other');
  check('web: every request was answered', asked.every((s) => s === 200 || s === 304), true);
  // Told by the stream, it asks again and has the new value.
  const changed = new Promise((resolve) => {
    client.addHandler(web.ProviderEvents.ConfigurationChanged, (event) => resolve(event?.flagsChanged ?? []));
    setTimeout(() => resolve(['nothing within 30 s']), 30000).unref();
  });
  console.log('change');
  check('web: told of the change', await changed, ['plain']);
  check('web: the new value', client.getBooleanDetails('plain', true).value, false);
  await web.OpenFeature.close();
}

onServers().then(inBrowsers).then(() => process.exit(failed ? 1 : 0), (e) => {
  console.log(`FAILED: ${e.stack}`);
  process.exit(1);
});
