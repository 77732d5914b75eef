// Package remote runs commands on a Windows machine over WinRM, and never lies about the outcome:
// every answer that is not a success is a typed [Fault], every request that got no answer is a
// [ConnError], every wait ends with its context, and whatever was started is ended.
//
//	client, err := remote.New(remote.Endpoint{
//		URL: "https://win11:5986/wsman", User: "tester", Password: password, Auth: remote.AuthBasic,
//		PinSHA256: fingerprint,
//	}, remote.Options{})
//	…
//	shell, err := client.Shell(ctx, remote.ShellOptions{})
//	…
//	defer shell.Close(ctx)
//	result, err := shell.Run(ctx, remote.CommandLine{Line: "sc.exe query wsksample"}, nil)
//
// A [Shell] is a place on the machine where commands run one after the other or side by side; a
// [Command] streams its standard input and outputs. What is written to a command is sent at once,
// in pieces as large as the server's envelope limit allows: wrap Stdin in a bufio.Writer of
// [Command.SendSize] bytes when writing small pieces, or use its ReadFrom (io.Copy does).
//
// # What happens when something goes wrong
//
//   - An answer "nothing to say yet" to a Receive is asked again until the context ends.
//   - A shell or command that is gone ends its command with a Fault for which [IsGone] holds. It is
//     never asked again.
//   - A quota that is used up ([IsQuota]) makes Shell clear away shells of the same
//     Options.Owner that this client does not know, and try again with growing pauses until
//     Options.QuotaWait has passed.
//   - An envelope that is too large for the server makes the client read the server's limit, use
//     smaller pieces from then on, and send the refused piece again.
//   - Input whose acknowledgement was lost is not sent again, because it may have been consumed:
//     the command's input fails with a ConnError for which Sent is true. Frame what you send, and
//     ask the receiver how far it got.
//   - "Pipe ended" to a Receive makes the client ask once more, for the exit code.
//   - A server that does not answer at all is given the operation's time-out and a margin.
//   - A 401 in mid-session says that nothing was carried out: the client authenticates anew, once, and asks
//     again, whatever it was. A second one in a row is the error, and so is the first of all.
//   - An answer that does not belong to the request drops the connection; operations that may safely be
//     done twice are repeated once on a new one.
//   - Output is bytes: nothing is decoded. Exit codes are raw unsigned 32-bit numbers.
package remote
