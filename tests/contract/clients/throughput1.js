// Speaks MSAK's throughput1 through `ws`, a WebSocket stack that is not ours; prints one JSON line.
'use strict';
const WebSocket = require('ws');

const [, , server, direction, query] = process.argv;
const socket = new WebSocket(
    `ws://${server}/throughput/v1/${direction}?${query}`, 'net.measurementlab.throughput.v1',
    {perMessageDeflate: false});
const told = {received: 0, sent: 0, binary: 0, texts: [], sizes: []};
const message = Buffer.alloc(1 << 16, 7);

function send() {
  if (socket.readyState !== WebSocket.OPEN) {
    return;
  }
  socket.send(message, () => {
    told.sent += message.length;
    setImmediate(send);
  });
}

socket.on('open', () => direction === 'upload' && send());
socket.on('message', (data, isBinary) => {
  if (isBinary) {
    told.received += data.length;
    told.binary += 1;
    told.sizes.push(data.length);
  } else {
    told.texts.push(JSON.parse(data.toString()));
  }
});
socket.on('error', (error) => told.error = String(error));
socket.on('close', (code) => {
  told.code = code;
  told.sizes = [...new Set(told.sizes)];
  console.log(JSON.stringify(told));
});
