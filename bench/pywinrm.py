# Sends a file raw, in pieces as large as the endpoint's envelope (500 KiB) allows, to a command's standard
# input, as Ansible's winrm connection does: pywinrm 0.3 has no call for it. The clock runs from the first request
# to the exit code; Python's own start is not counted.
import base64, json, sys, time, xmltodict
from winrm.protocol import Protocol

config = json.load(sys.stdin)
p = Protocol(**config["protocol"])
requests = 0
send = p.transport.send_message


def counted(message):
    global requests
    requests += 1
    return send(message)


p.transport.send_message = counted
with open(config["file"], "rb") as f:
    data = f.read()
piece = 375000
begun = time.monotonic()
shell = p.open_shell(codepage=65001)
command = p.run_command(shell, config["line"], console_mode_stdin=False)
for at in range(0, len(data), piece):
    req = {"env:Envelope": p._get_soap_header(
        resource_uri="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd",
        action="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send", shell_id=shell)}
    stream = {"@Name": "stdin", "@CommandId": command, "#text": base64.b64encode(data[at:at + piece]).decode()}
    if at + piece >= len(data):
        stream["@End"] = "true"
    req["env:Envelope"]["env:Body"] = {"rsp:Send": {"rsp:Stream": stream}}
    p.send_message(xmltodict.unparse(req))
out, err, code = p.get_command_output(shell, command)
seconds = time.monotonic() - begun
p.cleanup_command(shell, command)
p.close_shell(shell)
json.dump({"seconds": seconds, "requests": requests, "out": out.decode(), "code": code}, sys.stdout)
