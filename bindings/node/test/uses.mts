import https from 'node:https';
import { CODES, Refused, fetchCertificate, findRefusal, setup, start, type Event } from 'pintle';

const events: Event[] = [];
const pins = await setup('pintle.json', { storageDir: '/tmp', leastSeverity: 'warn', listener: (event) => events.push(event) });
https.get('https://api.example.com/', { agent: pins.agent({ maxSockets: 4 }) });
const session = await pins.http2('https://api.example.com/');
session.request({ ':path': '/' });
const socket = await pins.connect({ host: 'api.example.com', port: 443 });
socket.end();
const decision = await pins.check({ host: 'a', presented: [new Uint8Array()], platformAccepts: false });
const code: string | undefined = decision.code;
const refusal: Refused | undefined = findRefusal(new Error());
const chain: Buffer[] = await fetchCertificate('api.example.com', { port: 443 });
const other = await start({ organization: 'o', project: 'p', publicKey: 'k', urls: ['https://cdn.example.com'] });
await other.reconfigure(new Uint8Array());
other.setPermissive(true);
other.listen((event) => console.log(event.kind, CODES.length, code, refusal?.host, chain.length))();
pins.dispatcher({ connect: { timeout: 1000 } });
pins.close();
// @ts-expect-error a bundle is needed
await setup();
