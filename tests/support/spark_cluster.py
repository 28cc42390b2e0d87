"""A standalone Spark cluster for tests: a master and two workers from the PySpark package, on
127.0.0.1 and ports of the system's choice, in little memory; ended by their process ids."""

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

WORKERS = 2
_STARTED_S = 60.0
# Quick to start rather than quick to run: everything here lives for seconds.
_JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_DEFAULTS = {
    "spark.cores.max": WORKERS,
    "spark.executor.cores": 1,
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
    "spark.driver.extraJavaOptions": " ".join(_JAVA),
    "spark.executor.extraJavaOptions": " ".join(_JAVA),
    "spark.sql.shuffle.partitions": WORKERS,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.scheduler.minRegisteredResourcesRatio": 1.0,  # both workers, or none
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
}


@dataclass(frozen=True)
class Cluster:
    """``environment``: for a process that uses it."""

    master: str
    environment: Mapping[str, str]
    folder: Path

    def executors(self) -> list[int]:
        """How many executors each worker has run."""
        return [len(list(one.glob("app-*/*"))) for one in sorted(self.folder.glob("work-*"))]


@contextmanager
def spark_cluster() -> Iterator[Cluster | None]:
    """Yield a cluster whose workers are on their way, or None without PySpark or Java."""
    found = importlib.util.find_spec("pyspark")
    java = shutil.which("java")
    if found is None or found.origin is None or java is None:
        yield None
        return
    home = Path(found.origin).parent
    with tempfile.TemporaryDirectory(prefix="fs-spark-") as name, ExitStack() as running:
        folder = Path(name)
        conf = folder / "conf"
        conf.mkdir()
        lines = [f"{key} {value}" for key, value in _DEFAULTS.items()]
        (conf / "spark-defaults.conf").write_text("\n".join(lines), encoding="utf-8")
        environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_SCALA_VERSION": _scala_version(home),  # or workers look for a build tree
            "SPARK_CONF_DIR": str(conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(folder / "local"),
        }
        start = [java, "-Xmx256m", *_JAVA, "-cp", f"{home / 'jars'}/*"]

        def run(what: str, *arguments: str) -> Path:
            log = folder / f"{what}.log"
            kind = what.partition("-")[0]
            entry = f"org.apache.spark.deploy.{kind}.{kind.title()}"
            running.enter_context(_process([*start, entry, *arguments], environment, log))
            return log

        here = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        master = _announced(run("master", *here))
        for number in range(WORKERS):
            work = folder / f"work-{number}"
            run(f"worker-{number}", *here, "--cores", "1", "--memory", "600m", "--work-dir",
                str(work), master)  # fmt: skip
        yield Cluster(master, environment, folder)


@contextmanager
def _process(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _scala_version(home: Path) -> str:
    (core,) = (home / "jars").glob("spark-core_*.jar")
    return core.name.removeprefix("spark-core_").partition("-")[0]


def _announced(log: Path) -> str:
    """Wait until the master has said where it is."""
    deadline = time.monotonic() + _STARTED_S
    while True:
        text = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"Starting Spark master at (spark://\S+:\d+)", text)
        if found:
            return found[1]
        if time.monotonic() > deadline:
            raise RuntimeError(text)
        time.sleep(0.1)
