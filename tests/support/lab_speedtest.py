"""speedtest-cli as a program inside the laboratory: its own code, its own choices, our server.

Only the list of choices that speedtest.net would send is ours, since nothing may be asked of it.
"""

import json
import sys
import time
from typing import Any


def main(url: str) -> None:
    import speedtest

    class OwnServer(speedtest.Speedtest):  # type: ignore[misc]  # the library has no types
        """Four requests per size, eight threads, 10 s: what the network's page tells everybody."""

        def get_config(self) -> dict[str, Any]:
            sizes = [350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000]
            self.config.update(
                client={"ip": "", "lat": "0", "lon": "0"},
                ignore_servers=[],
                sizes={"download": sizes, "upload": []},
                counts={"download": 4, "upload": 0},
                threads={"download": 8, "upload": 1},
                length={"download": 10, "upload": 10},
                upload_max=0,
            )
            self.lat_lon = (0.0, 0.0)
            return self.config  # type: ignore[no-any-return]  # as above

    client = OwnServer()
    client.get_best_server(client.set_mini_server(url))
    began_s = time.monotonic()
    rate_bps = client.download()
    ended_s = time.monotonic()
    answer = {"rate_bps": rate_bps, "began_s": began_s, "ended_s": ended_s}
    sys.stdout.write(json.dumps(answer | {"ping_ms": client.results.ping}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
