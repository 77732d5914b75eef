/* talk.h - the other end of the sample's echo server. */
#pragma once

#include <windows.h>

typedef struct TALK {
    UINT16 Port;  /* on the loopback address */
    UINT32 Bytes; /* in one round, and on each connection */
    UINT32 Connections;
    BOOL UntilClosed; /* rounds go on until the server has closed every connection … */
    BOOL Idle;        /* … or there is only one, and then nothing is sent any more */
} TALK;

typedef struct TALKED {
    UINT64 Bytes; /* that came back, as they were sent */
    UINT32 Connections;
    UINT32 Closed; /* by the server */
} TALKED;

/*
 * Connects, sends, and compares what comes back. Begun (or NULL) is set when every connection has had its
 * first round. A Win32 or Winsock error: ERROR_CRC where other bytes came back, WSAETIMEDOUT where one of the
 * calls took longer than LimitMs; a connection that is closed is an error unless it is waited for.
 */
DWORD Talk(const TALK *Talk, HANDLE Begun, UINT32 LimitMs, TALKED *Talked);

/* The same by another process, `wskagent echo`, for one round. Its exit code is 0 or ERROR_GEN_FAILURE. */
DWORD TalkAside(const TALK *Talk, UINT32 LimitMs);
