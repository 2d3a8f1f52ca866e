data_path = "/out"
pidfile = "/out/pid"
log = { info = "*console" }
c2s_ports = { 7035 }
s2s_ports = {}
c2s_require_encryption = false
modules_disabled = { "s2s", "tls" }
VirtualHost "localhost"
