/*
 * frames.h - the frames between winrshost.exe and package vm/wine; frame.go there has the same numbers.
 *
 * A frame is a FRAME and its payload, little-endian as this machine is.
 */
#pragma once

#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <windows.h>

#define HOST_PROTOCOL 2u

#define FRAME_DATA_MAX  (128u * 1024u)  /* payload of a data frame */
#define FRAME_SPAWN_MAX (256u * 1024u)  /* payload of a spawn frame */
#define WINDOW          (1024u * 1024u) /* bytes of one stream that may be on the way */

enum {                         /* to the host */
       FRAME_SPAWN = 1,        /* command, value: code page; payload: UTF-16 line, directory, NAME=VALUE… */
       FRAME_STDIN = 2,        /* command; payload */
       FRAME_STDIN_END = 3,    /* command: no more input */
       FRAME_GRANT = 4,        /* command, stream, value: that many more bytes may be sent */
       FRAME_TERMINATE = 5,    /* command, value: end its tree with this exit code */
       FRAME_WATCH = 6,        /* command = process id: tell when it has ended */
       FRAME_KILL = 7,         /* command = process id, value: end it, and it alone, with this exit code */
       FRAME_CODE_PAGE = 8,    /* command = number of the question, value: do consoles take this one? */
       FRAME_HELLO = 16,       /* value: HOST_PROTOCOL */
       FRAME_READY = 17,       /* value: Win32 error, 0 when commands run and drivers can be loaded */
       FRAME_STARTED = 18,     /* command, value: process id */
       FRAME_REFUSED = 19,     /* command, value: the Win32 error of CreateProcess */
       FRAME_OUTPUT = 20,      /* command, stream; payload */
       FRAME_OUTPUT_END = 21,  /* command, stream */
       FRAME_EXIT = 22,        /* command, value: exit code; the last frame of a command */
       FRAME_STDIN_GRANT = 23, /* command, value */
       FRAME_STDIN_GONE = 24,  /* command: nobody reads its input any more */
       FRAME_WATCHED = 25,     /* command = process id, value: exit code */
       FRAME_CODE_PAGE_IS = 26 /* command = number of the question, value: Win32 error, 0 when they do */
};

#pragma pack(push, 1)
typedef struct {
    UINT8 Type;
    UINT8 Stream; /* 1 standard output, 2 standard error */
    UINT16 Zero;
    UINT32 Command;
    UINT32 Value;
    UINT32 Length; /* of the payload that follows */
} FRAME;
#pragma pack(pop)

typedef struct HOST HOST;

/* Reads exactly Length bytes; FALSE at the end of the pipe: the endpoint is gone. */
BOOL ReadAll(HANDLE File, void *Buffer, UINT32 Length);

/* Writes one frame, its payload behind it, with no other frame in between. Does not return when the
 * endpoint is gone. */
void SendWhole(HOST *Host, const void *Frame, UINT32 Length);

/* Sends a frame without payload. */
void Send(HOST *Host, UINT8 Type, UINT32 Command, UINT8 Stream, UINT32 Value);
