"""URLs that must never be called: each a way to say "something inside this network", or to hide what is said.

``PORT`` stands for the port of a receiver on 127.0.0.1 that counts its connections; every name means 127.0.0.1.
"""

from __future__ import annotations

_HOSTS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 00.0.0.0 0.0.0.1 0177.0.0.1 0177.1 017700000001 2130706433
0x7f.1 0x7f000001 0x7f.0.0.1 0X7F.0x0.0x0.0x1 0x7f.0x1 127.0.0.1. 127.0.0.01 127.0x0.1 4294967295 0xffffffff 1
10.0.0.1 10.255.255.255 10.1 172.16.0.1 172.31.255.254 192.168.0.1 192.168.1 192.168.257 0xc0a80001 3232235521
169.254.169.254 169.254.170.2 169.254.0.1 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 100.64.0.1
100.127.255.255 100.100.100.200 168.63.129.16 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7
203.0.113.7 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 256.0.0.1 127.0.0.1.1 1.1.1
[::1] [::] [0:0:0:0:0:0:0:1] [::0001] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:10.0.0.1]
[::ffff:169.254.169.254] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::127.0.0.1]
[64:ff9b:1::a00:1] [2002:7f00:1::] [2002:a00:1::1] [2001:0:7f00:1::] [2001:db8::1] [2001:10::1] [fe80::1]
[fe80::1%25lo] [fe80::1%lo] [fec0::1] [fc00::1] [fd00:ec2::254] [fd12:3456:789a::1] [ff02::1] [ff0e::1] [100::1]
[3fff::1] [3ffe::1] [5f00::1] [4000::1] [2620:4f:8000::1] [::1 [::1]] [127.0.0.1] [localhost] [v1.1]
localhost LOCALHOST localhost. localhost.localdomain ip6-localhost foo.localhost metadata metadata.google.internal
router.local nas.lan db.internal printer kubernetes.default.svc 127.0.0.1.nip.io
%31%32%37.0.0.1 127%2e0.0.1 localho%73t １２７.0.0.1 ①②⑦.⓪.⓪.① 127。0。0。1 ⑯⑨。②⑤④。⑯⑨｡②⑤④ ｌｏｃａｌｈｏｓｔ
127.0.0.1。 loc\u00adalhost ２１３０７０６４３３
"""

_WHOLE = [
    "http://example.com@127.0.0.1:PORT/",
    "http://example.com:443@127.0.0.1:PORT/",
    "http://user:password@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT@example.com/",
    "https://example.com#@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT#@example.com/",
    "https://example.com\\@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT\\@example.com/",
    "https:\\\\127.0.0.1:PORT/",
    "https:///127.0.0.1:PORT/",
    "https:127.0.0.1:PORT/",
    "https:/127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT",
    "https://",
    "https://:PORT/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://example.com\t.evil.example/",
    "https://example.com\x00.evil.example/",
    " https://127.0.0.1:PORT/",
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:5432/",
    "https://example.com:6379/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:99999999999/",
    "https://example.com:-1/",
    "https://example.com:１２３４/",
    "https://example.com:/",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://example.com/" + "a" * 2_000,
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "gopher://127.0.0.1:PORT/_GET",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "ftp://127.0.0.1:PORT/",
    "dict://127.0.0.1:PORT/",
    "ldap://127.0.0.1:PORT/",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "ws://127.0.0.1:PORT/",
    "",
]

HOSTS = _HOSTS.replace("\n", " ").split()
URLS = [f"{scheme}://{host}:PORT/" for host in HOSTS for scheme in ("http", "https")] + _WHOLE
