import https from 'node:https';
import * as pintle from 'pintle';

const pins = await pintle.setup('pintle.json', { storageDir: '/var/lib/myapp/pins' });
https.get('https://api.example.com/', { agent: pins.agent() }, (response) => response.resume());
