package windows_test

import (
	"context"
	"fmt"

	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
)

func ExampleHost() {
	var host windows.Host = windowstest.New()
	const key = `SYSTEM\CurrentControlSet\Control\CrashControl`
	calls := []windows.Call{
		windows.SetValue(key, "CrashDumpEnabled", windows.DWord, "2"), windows.Value(key, "CrashDumpEnabled"), windows.Program("bcdedit.exe", "/tea"),
	}
	answers, err := host.Do(context.Background(), calls)
	if err != nil {
		panic(err)
	}
	fmt.Println(answers[1].Type, answers[1].Data)
	fmt.Println(answers[2].Err(calls[2]))
	// Output:
	// DWord 2
	// bcdedit.exe /tea: exit code 1: The specified command is not valid.
}
