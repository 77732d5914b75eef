package child

import (
	"context"
	"io"
	"os"
	"testing"
)

// TestTied: a program that is killed has ended when Kill returns, and a connection ends with the program that has its other end.
func TestTied(t *testing.T) {
	ours, theirs, err := Pair("the test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	cmd := Command(context.Background(), []string{"PATH=" + os.Getenv("PATH")}, "sh", "-c", "echo hello >&3; exec sleep 600")
	cmd.ExtraFiles = []*os.File{theirs}
	tied, err := StartTied(cmd)
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	said := make([]byte, len("hello\n"))
	if _, err := io.ReadFull(ours, said); err != nil || string(said) != "hello\n" {
		t.Errorf("got %q, %v, want hello", said, err)
	}
	tied.Kill()
	tied.Kill() // once more is no harm
	if _, err := ours.Read(said); err != io.EOF {
		t.Errorf("read from a program that was killed: got %v, want %v", err, io.EOF)
	}
	if tied.Err == nil {
		t.Error("a program that was killed ended well")
	}
	if _, err := StartTied(Command(context.Background(), nil, "/not/there")); err == nil {
		t.Error("a program that is not there was started")
	}
}
