/* frame.h - the frames of put and get: docs/protocol.md, "Transfer". */
#pragma once

#include <windows.h>

#define FRAME_MAGIC       0x464B5357u /* "WSKF" */
#define FRAME_PAYLOAD_MAX (1024u * 1024u)
#define FRAME_ALL_FILES   0xFFFFu

/* FRAME_HEADER.Flags: the payload is a u32, how long it was, and what zlib's deflate made of it. */
#define FRAME_DEFLATED 0x01u

enum {
    FRAME_MANIFEST = 1,
    FRAME_DATA = 2,
    FRAME_FINISH = 3,
    FRAME_HAVE = 4,
    FRAME_DONE = 5,
    FRAME_ERROR = 6,
    FRAME_SIZE = 7,
    FRAME_END = 8,
    FRAME_WHOLE = 9,
};

typedef struct FRAME_HEADER {
    UINT32 Magic;
    UINT8 Type;
    UINT8 Flags;
    UINT16 File;
    UINT64 Offset;
    UINT32 Length;
    UINT32 Crc32;
} FRAME_HEADER; /* 24 bytes */

/*
 * One frame in memory: the payload lies directly behind the header, so that both go out in one write. The
 * same again for how it travels when it is deflated.
 */
typedef struct FRAME {
    FRAME_HEADER Header;
    UINT8 Payload[FRAME_PAYLOAD_MAX];
    FRAME_HEADER DeflatedHeader;
    UINT8 Deflated[FRAME_PAYLOAD_MAX];
} FRAME;

/*
 * Reads and checks one frame, and inflates it. ERROR_HANDLE_EOF: the stream ended between frames.
 * ERROR_BROKEN_PIPE: it ended within one. ERROR_INVALID_DATA: not a frame, or one that is too long.
 * ERROR_CRC: a wrong checksum.
 */
_Must_inspect_result_ DWORD FrameRead(HANDLE Stream, FRAME *Frame);

/* What an error of FrameRead means; NULL where the system's text says it. */
const char *FrameReason(DWORD Error);

/*
 * Sends Frame, of which type, file, offset and length are set and the payload is in place; deflated where
 * that makes it shorter by an eighth.
 */
DWORD FrameSend(HANDLE Stream, FRAME *Frame);

/* Sends a frame of at most 4096 bytes of payload without a FRAME. Payload may be NULL with Length 0. */
DWORD FrameSendSmall(HANDLE Stream, UINT8 Type, UINT16 File, UINT64 Offset, const void *Payload,
                     UINT32 Length);

/*
 * Sends an ERROR frame that says "<attempt> <subject>: <reason>", where the reason is Reason or, when
 * that is NULL, the system's text for Win32; and complains likewise on standard error. Returns
 * EXIT_FAILED.
 */
int FrameSendError(HANDLE Stream, UINT16 File, DWORD Win32, const char *Attempt, const wchar_t *Subject,
                   const char *Reason);
