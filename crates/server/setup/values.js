import * as pintle from 'pintle';

const pins = await pintle.setup({
  organization: 'org_01jd0000000000000000000000',
  project: 'prj_01jd0000000000000000000000',
  publicKey: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpALWvPL4G+VO3AoT5e8JR9O/tfe12a9K8Jbof3VKYz5Lfv9iz5XMqUa5xaoY/52+V7t5x305l69KNnghfapkBA==',
  recoveryKey: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERLIwTuIpSHBzjKZHj8Wjxp/8tHEmV99sK8LN56QPFVHY915BsY7hFQHVWoxzBHgYcrlGPoGZrsxx2WtIV58o8g==',
  urls: ["https://cdn.example.com"],
}, { storageDir: '/var/lib/myapp/pins' });
