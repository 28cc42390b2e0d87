"""Runs the library speedtest-cli with its own connections and counters; prints one JSON line.

Only what it would ask speedtest.net for is set here.
"""

import json
import sys
from typing import Any

import speedtest


class Local(speedtest.Speedtest):  # type: ignore[misc]  # the library has no types
    def get_config(self) -> dict[str, Any]:
        self.config.update(
            client={"ip": "", "lat": "0", "lon": "0"},
            ignore_servers=[],
            sizes={"download": [350, 1000, 2000], "upload": [524288, 1048576]},
            counts={"download": 4, "upload": 4},
            threads={"download": 4, "upload": 4},
            length={"download": 2, "upload": 2},
            upload_max=8,
        )
        self.lat_lon = (0.0, 0.0)
        return self.config  # type: ignore[no-any-return]  # as above


client = Local()
client.get_best_server(client.set_mini_server(sys.argv[1]))
client.download()
client.upload(pre_allocate=False)
sys.stdout.write(json.dumps(client.results.dict()) + "\n")
