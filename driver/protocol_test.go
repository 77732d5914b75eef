package driver

import (
	"regexp"
	"strings"
	"testing"
)

// Each command of the agent has a row in the table of docs/protocol.md, with its options as its usage line has them.
func TestProtocolHasTheAgentsCommands(t *testing.T) {
	rows := map[string]string{} // options of a command, in the table
	command := regexp.MustCompile("`([a-z]+)( [^`]*)?`")
	table := regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(string(readFile(t, "../docs/protocol.md")), -1)
	for _, row := range table {
		for _, match := range command.FindAllStringSubmatch(row[1], -1) {
			rows[match[1]] = strings.Join(option.FindAllString(match[2], -1), " ")
		}
	}
	usages := regexp.MustCompile(`(?m)^    \{L"([a-z]+)", Command\w+,\s+"([^"]*)"\},`).FindAllStringSubmatch(string(readFile(t, "agent/main.c")), -1)
	if len(usages) < 10 {
		t.Fatalf("main.c has the commands %v", usages)
	}
	for _, usage := range usages {
		documented, ok := rows[usage[1]]
		if has := strings.Join(option.FindAllString(usage[2], -1), " "); !ok || documented != has {
			t.Errorf("%s has the options %q, in docs/protocol.md %q", usage[1], has, documented)
		}
		delete(rows, usage[1])
	}
	for name, options := range rows {
		if options != "" {
			t.Errorf("docs/protocol.md has a command %s %s, and the agent none", name, options)
		}
	}
}

var option = regexp.MustCompile(`\[?--[a-z0-9]+`)
