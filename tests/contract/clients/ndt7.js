// Runs M-Lab's own ndt7 client under Node against the server named, and prints one JSON line.
// It is written for browsers: its Worker becomes a sandbox in this process, its WebSocket is `ws`.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');
const WebSocket = require('ws');

const folder = path.dirname(require.resolve('@m-lab/ndt7'));

global.Worker = class {
  constructor(file) {
    const scope = {
      WebSocket, performance, setTimeout, clearTimeout, Date, console, Uint8Array, Infinity,
      postMessage: (data) => this.ended || this.onmessage({data}),
    };
    scope.self = scope;
    vm.runInNewContext(fs.readFileSync(path.join(folder, file), 'utf8'), scope);
    this.postMessage = (data) => scope.onmessage({data});
  }
  terminate() {
    this.ended = true;
  }
};

const told = {errors: []};
const note = (direction) => ({
  [`${direction}Measurement`]: ({Source}) => {
    told[direction] = told[direction] || {client: 0, server: 0};
    told[direction][Source] += 1;
  },
  [`${direction}Complete`]: (last) => Object.assign(told[direction], last),
});

require('@m-lab/ndt7').test(
    {
      server: process.argv[2], protocol: 'ws', mlabDataPolicyInapplicable: true,
      metadata: {client_name: 'fieldsurvey-contract-test'},
      downloadworkerfile: 'ndt7-download-worker.js', uploadworkerfile: 'ndt7-upload-worker.js',
    },
    {
      error: (error) => told.errors.push(String(error)),
      ...note('download'), ...note('upload'),
    },
).then((code) => {
  told.code = code;
  console.log(JSON.stringify(told));
  process.exit(0);
});
