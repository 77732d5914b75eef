//go:build linux

package wine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// frame is what passes between this package and winrshost.exe; host/frames.h has the same numbers and
// says what each frame is for.
type frame struct {
	kind    frameKind
	stream  uint8
	command uint32
	value   uint32
	payload []byte
}

type frameKind uint8

const (
	frameSpawn     frameKind = 1
	frameStdin     frameKind = 2
	frameStdinEnd  frameKind = 3
	frameGrant     frameKind = 4
	frameTerminate frameKind = 5
	frameWatch     frameKind = 6
	frameKill      frameKind = 7
	frameCodePage  frameKind = 8

	frameHello      frameKind = 16
	frameReady      frameKind = 17
	frameStarted    frameKind = 18
	frameRefused    frameKind = 19
	frameOutput     frameKind = 20
	frameOutputEnd  frameKind = 21
	frameExit       frameKind = 22
	frameStdinGrant frameKind = 23
	frameStdinGone  frameKind = 24
	frameWatched    frameKind = 25
	frameCodePageIs frameKind = 26
)

const (
	hostProtocol = 2
	frameHeader  = 16
	maxFrameData = 128 << 10
	maxSpawnData = 256 << 10
	window       = 1 << 20 // bytes of one stream that may be on the way
	grantAt      = window / 4
)

// append adds the frame's bytes to b.
func (f frame) append(b []byte) []byte {
	b = append(b, byte(f.kind), f.stream, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, f.command)
	b = binary.LittleEndian.AppendUint32(b, f.value)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.payload)))
	return append(b, f.payload...)
}

// readFrame reads the next frame; io.EOF at the end of the stream, between two frames.
func readFrame(r io.Reader) (frame, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{
		kind: frameKind(head[0]), stream: head[1],
		command: binary.LittleEndian.Uint32(head[4:]), value: binary.LittleEndian.Uint32(head[8:]),
	}
	length := binary.LittleEndian.Uint32(head[12:])
	if length > maxFrameData {
		return frame{}, fmt.Errorf("a frame of kind %d with %d bytes; at most %d", f.kind, length, maxFrameData)
	}
	if length > 0 {
		f.payload = make([]byte, length)
		if _, err := io.ReadFull(r, f.payload); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return frame{}, err
		}
	}
	return f, nil
}
