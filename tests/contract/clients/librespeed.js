// Asks as LibreSpeed's page does, through Node's own HTTP client; prints one JSON line.
'use strict';
const [, , server, path] = process.argv;
const base = `http://${server}/${path.startsWith('backend/') ? 'backend/' : ''}`;

async function main() {
  const down = await fetch(`http://${server}/${path}`);
  const up = await fetch(`${base}empty.php?r=0.1`, {
    method: 'POST', body: Buffer.alloc(1 << 20, 1),
    headers: {'Content-Type': 'application/octet-stream'},
  });
  const address = await (await fetch(`${base}getIP.php?isp=true&distance=km`)).json();
  console.log(JSON.stringify({
    garbage: (await down.arrayBuffer()).byteLength,
    cors: down.headers.get('access-control-allow-origin'),
    posted: {status: up.status, bytes: (await up.arrayBuffer()).byteLength},
    address: address.processedString,
  }));
}
main();
