"""The style sheet of a packet's page, and the hash its policy pins it by. Part of packet format 2, like the page."""

import base64
import hashlib

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 76rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { margin-bottom: 0; } h1 + p { margin-top: .2rem; color: #444; } h3 { margin: 1.2rem 0 .2rem; }
h2 { margin: 2.4rem 0 .6rem; padding-bottom: .2rem; border-bottom: 2px solid #444; }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid #ddd; }
th { font-weight: 600; } thead th { border-bottom: 1px solid #444; } td { overflow-wrap: break-word; } td.long { overflow-wrap: anywhere; }
.facts th { width: 13rem; } .facts td, .facts th { border-bottom: 1px solid #eee; }
code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
.notice, .warning { border: 2px solid #555; padding: .6rem 1rem; margin: 1rem 0; } .warning { border-color: #a00; }
.good { color: #06602b; font-weight: 600; } .bad { color: #a00; font-weight: 600; } .open { color: #8a5a00; font-weight: 600; }
.small { color: #555; font-size: 13px; }
@page { margin: 14mm 12mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 10.5px; } table { font-size: 9.5px; } .small { font-size: 9.5px; } h2, h3 { break-after: avoid; } tr, .notice, .warning { break-inside: avoid; } thead { display: table-header-group; } }
"""  # noqa: E501  # one byte sequence, pinned by its hash in the page's policy
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
