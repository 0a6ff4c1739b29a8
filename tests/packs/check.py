"""Opens packs with the programs that people use them in, and holds their numbers to the report's JSON.

check.py STEWARD: builds a report of the demo company in each format; prints `ok: …` or `FAILED: …` for each check.
"""
import email
import email.policy
import io
import json
import pathlib
import socket
import subprocess
import sys
import tempfile

import icalendar
import openpyxl
from aiosmtpd.controller import Controller
from pptx import Presentation

steward = str(pathlib.Path(sys.argv[1]).resolve())
failed = False


def check(name, good, told=""):
    global failed
    failed |= not good
    print(f"{'ok' if good else 'FAILED'}: {name}{'' if good else f': {told}'}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*words, cwd):
    return subprocess.run([steward, *words], cwd=cwd, check=True, capture_output=True, text=True).stdout


with tempfile.TemporaryDirectory() as folder:
    run("demo", "--dir", "shop", "--scale", "0.02", "--no-serve", cwd=folder)
    shop = pathlib.Path(folder) / "shop"
    for suffix in ("pdf", "pptx", "xlsx"):
        run("report", "build", "monthly_business_review", "--out", f"pack.{suffix}", cwd=shop)
    weeks = json.loads(run("query", "--metrics", "revenue", "--by", "time:week", "--format", "json", cwd=shop))
    revenue = [row["revenue"] / 100 for row in weeks]

    slides = Presentation(shop / "pack.pptx").slides
    charts = [shape.chart for slide in slides for shape in slide.shapes if shape.has_chart]
    check("pptx: every slide has a title", all(s.shapes.title is not None and s.shapes.title.text for s in slides))
    check("pptx: two native charts", len(charts) == 2, len(charts))
    values = list(charts[0].plots[0].series[0].values)
    check("pptx: the chart holds the metric's values", all(abs(a - b) < 1e-9 for a, b in zip(values, revenue, strict=True)), values)
    workbook = openpyxl.load_workbook(io.BytesIO(charts[0].part.chart_workbook.xlsx_part.blob))
    rows = list(workbook.active.iter_rows(min_row=2, values_only=True))
    check("pptx: the chart's workbook holds them, too", [r[1] for r in rows] == values, rows[:2])
    tables = [shape.table for slide in slides for shape in slide.shapes if shape.has_table]
    check("pptx: tables are tables", len(tables) >= 3, len(tables))

    book = openpyxl.load_workbook(shop / "pack.xlsx")
    sheet = book["Figures"]
    first = [c.value for c in sheet[5]]
    check("xlsx: a figure's change is a formula", first[7] == "=C5-G5" and first[8] == "=H5/ABS(G5)", first)
    cached = [c.value for c in openpyxl.load_workbook(shop / "pack.xlsx", data_only=True)["Figures"][5]]
    check("xlsx: what the formula comes to stands beside it", abs(cached[7] - (cached[2] - cached[6])) < 1e-9, cached)
    check("xlsx: charts and tables have sheets", len(book.sheetnames) > 6 and "Sources" in book.sheetnames, book.sheetnames)

    text = subprocess.run(["pdftotext", "-layout", shop / "pack.pdf", "-"], check=True, capture_output=True, text=True).stdout
    value = f"{round(cached[2]):,} EUR"
    check("pdf: its text is text", "Monthly business review" in text and value in text, value)
    check("pdf: every figure has its time, owner and evidence", text.count("As of 2026-01-01") >= 4, text[:400])
    info = subprocess.run(["pdfinfo", shop / "pack.pdf"], check=True, capture_output=True, text=True).stdout
    tagged = next((line for line in info.splitlines() if line.startswith("Tagged:")), "")
    check("pdf: it is tagged", tagged.endswith("yes"), info)
    structure = subprocess.run(["pdfinfo", "-struct-text", shop / "pack.pdf"], check=True, capture_output=True, text=True).stdout
    check("pdf: headings, tables and pictures are tagged as what they are", all(t in structure for t in ("H1", "H2", "Table", "TH", "Figure")), structure[:300])

    feed = icalendar.Calendar.from_ical(run("contract", "calendar", cwd=shop))
    events = feed.walk("VEVENT")
    due = [e for e in events if "Notice due" in e["summary"]]
    days = {str(e["summary"]): e.decoded("dtstart").isoformat() for e in reversed(due)}
    check("ics: the feed is read, with its notice days", days.get("Notice due: Cloud framework agreement") == "2026-05-01", days)
    check("ics: no event has an error", all(not e.errors and e["uid"] and e["dtstamp"] for e in events))

    # A real SMTP server takes what is sent.
    class Keep:
        got = []

        async def handle_DATA(self, server, session, envelope):
            self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 kept"

    controller = Controller(Keep(), hostname="127.0.0.1", port=free_port())
    controller.start()
    relay = f"smtp://127.0.0.1:{controller.port}"
    report = shop / "reports" / "monthly_business_review.md"
    report.write_text(report.read_text().replace("max_age: 48h", "max_age: 48h\nsend_every: month\nsend_to: [mara@larkspur.example, tomas@larkspur.example]"))
    words = ["report", "send", "--due", "--relay", relay, "--from", "steward@larkspur.example", "--json"]
    first, again = (json.loads(run(*words, cwd=shop)) for _ in range(2))
    controller.stop()
    check("mail: what is due is sent once in its period", len(first) == 1 and again == [] and len(Keep.got) == 1, (first, again))
    sender, to, content = Keep.got[0]
    message = email.message_from_bytes(content, policy=email.policy.default)
    files = list(message.iter_attachments())
    check("mail: it goes to whom the report names", (sender, to) == ("steward@larkspur.example", ["mara@larkspur.example", "tomas@larkspur.example"]), to)
    check("mail: the pack is attached whole", [f.get_filename() for f in files] == ["monthly_business_review.pdf"] and files[0].get_content()[:5] == b"%PDF-", files)
    check("mail: subject and date are read", "Monthly business review" in message["subject"] and message["date"].datetime is not None, message["subject"])
    refused = subprocess.run([steward, *words[:2], "monthly_business_review", "--relay", "smtp://192.0.2.1:25", "--from", "a b@c.de"], cwd=shop, capture_output=True, text=True)
    check("mail: an address that is none is refused", refused.returncode == 2 and "no e-mail address" in refused.stderr, refused.stderr)


sys.exit(failed)
