package replaytest_test

import (
	"fmt"

	"wskharness/recording"
	"wskharness/remote/replaytest"
)

// envelope is one with no more in it than is looked at here.
func envelope(action, header, body string) string {
	return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" ` +
		`xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">` +
		`<s:Header><a:Action>` + action + `</a:Action>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func Example() {
	const shell = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	in := `<w:SelectorSet><w:Selector Name="ShellId">S</w:Selector></w:SelectorSet>`
	r := replaytest.New([]recording.Line{
		{Action: "Create", Status: 200, Request: envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", "", ""),
			Answer: envelope("", "", `<rsp:Shell><rsp:ShellId>S</rsp:ShellId></rsp:Shell>`)},
		{Action: "Command", Status: 200, Request: envelope(shell+"/Command", in, `<rsp:CommandLine><rsp:Command>ver</rsp:Command></rsp:CommandLine>`),
			Answer: envelope("", "", `<rsp:CommandResponse><rsp:CommandId>C</rsp:CommandId></rsp:CommandResponse>`)},
		{Action: "Receive", Status: 200, Request: envelope(shell+"/Receive", in, `<rsp:Receive><rsp:DesiredStream CommandId="C">stdout</rsp:DesiredStream></rsp:Receive>`),
			Answer: envelope("", "", `<rsp:ReceiveResponse><rsp:Stream Name="stdout" CommandId="C">V2luZG93cw==</rsp:Stream>`+
				`<rsp:CommandState CommandId="C" State="`+shell+`/CommandState/Done"><rsp:ExitCode>3</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>`)},
		{Note: "2 exchanges are missing here: the disk did not keep up"},
	})
	for _, s := range r.Shells {
		for _, c := range s.Commands {
			fmt.Printf("line %d: %s: %+v\n", c.Line, c.CommandLine(), c.Want())
		}
	}
	fmt.Println(r.Left)
	// Output:
	// line 2: ver: {Stdout:Windows Stderr: End:exit code 3}
	// [line 4: 2 exchanges are missing here: the disk did not keep up]
}
