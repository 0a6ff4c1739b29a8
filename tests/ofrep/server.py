"""A project with a flag of every type, applied and served."""

import pathlib
import subprocess
import textwrap

FLAGS = {
    "plain": "type: boolean\ndefault: true",
    "off": "type: boolean\ndefault: false\nenabled: false\nrules:\n  - {rule: all, value: true}",
    "german": "type: string\ndefault: other\nrules:\n  - {rule: germany, when: {country: DE}, value: german}",
    "whole": "type: integer\ndefault: 3",
    "share": "type: number\ndefault: 1",
    "half": "type: number\ndefault: 0.5",
    "theme": "type: json\ndefault: {colour: red, sizes: [1, 2]}",
    "button": "type: string\ndefault: grey\nrules:\n  - rule: test\n"
    "    split: [{name: red, value: red, weight: 50%}, {name: blue, value: blue, weight: 50%}]",
}


class Served:
    """A served project; a context manager."""

    def __init__(self, steward: str, folder: str):
        self.steward, self.folder = steward, pathlib.Path(folder)

    def run(self, *arguments: str) -> None:
        subprocess.run([self.steward, "--project", str(self.folder), *arguments], check=True, stdout=subprocess.DEVNULL)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def flag(self, name: str, body: str) -> None:
        self.write(f"flags/{name}.yaml", f"flag: {name}\n{body}\n")

    def apply(self, message: str) -> None:
        self.run("apply", "-m", message, "--as", "ada")

    def __enter__(self) -> "Served":
        self.write("steward.yaml", "project: ofrep\nowner: ada\n")
        for name, body in FLAGS.items():
            self.flag(name, body)
        self.apply("first")
        command = [self.steward, "--project", str(self.folder), "serve", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip().removeprefix("listening on ")
        assert self.url.startswith("http://"), self.url
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0
