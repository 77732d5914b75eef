/* talk.c - the other end of the sample's echo server. */
#include <winsock2.h> /* before windows.h, which else brings an older one */

#include "talk.h"
#include "commands.h"
#include "complain.h"
#include "image.h"
#include "options.h"
#include "wskplan.h"

#include <stdio.h>
#include <stdlib.h>

#define TALK_BYTES 4096u /* sent and then received, so that neither end waits for the other to read */
#define PROGRAM_MS 10000u

typedef enum HEARD { HEARD_ECHO, HEARD_CLOSED, HEARD_ERROR } HEARD;

static BOOL IsClosing(int Error)
{
    return Error == WSAECONNRESET || Error == WSAECONNABORTED || Error == WSAESHUTDOWN ||
           Error == WSAENOTCONN;
}

static HEARD TalkFailed(DWORD *Error)
{
    int error = WSAGetLastError();

    if (IsClosing(error))
        return HEARD_CLOSED;
    *Error = (DWORD)error;
    return HEARD_ERROR;
}

static HEARD SendChunk(SOCKET Socket, const char *Data, int Bytes, DWORD *Error)
{
    for (int sent = 0; sent < Bytes;) {
        int n = send(Socket, Data + sent, Bytes - sent, 0);

        if (n == SOCKET_ERROR)
            return TalkFailed(Error);
        sent += n;
    }
    return HEARD_ECHO;
}

static HEARD TakeHeard(SOCKET Socket, const char *Data, int Bytes, DWORD *Error)
{
    char back[TALK_BYTES];

    for (int got = 0; got < Bytes;) {
        int n = recv(Socket, back, Bytes - got, 0);

        if (n == SOCKET_ERROR)
            return TalkFailed(Error);
        if (n == 0)
            return HEARD_CLOSED;
        if (memcmp(back, Data + got, (size_t)n) != 0) {
            *Error = ERROR_CRC;
            return HEARD_ERROR;
        }
        got += n;
    }
    return HEARD_ECHO;
}

/* One round on one connection. Each has bytes of its own, so that none is taken for another's. */
static HEARD Round(SOCKET Socket, UINT32 Bytes, UINT8 First, TALKED *Talked, DWORD *Error)
{
    for (UINT32 done = 0; done < Bytes;) {
        UINT32 length = Bytes - done < TALK_BYTES ? Bytes - done : TALK_BYTES;
        char chunk[TALK_BYTES];
        HEARD heard;

        for (UINT32 i = 0; i < TALK_BYTES; i++)
            chunk[i] = (char)(UINT8)(First + done + i);
        heard = SendChunk(Socket, chunk, (int)length, Error);
        if (heard == HEARD_ECHO)
            heard = TakeHeard(Socket, chunk, (int)length, Error);
        if (heard != HEARD_ECHO)
            return heard;
        done += length;
        Talked->Bytes += length;
    }
    return HEARD_ECHO;
}

/* Nothing more is sent: whatever comes but the end is wrong. */
static HEARD Wait(SOCKET Socket, DWORD *Error)
{
    char byte;
    int n = recv(Socket, &byte, 1, 0);

    if (n == SOCKET_ERROR)
        return TalkFailed(Error);
    if (n == 0)
        return HEARD_CLOSED;
    *Error = ERROR_CRC;
    return HEARD_ERROR;
}

static DWORD Connect(UINT16 Port, DWORD LimitMs, SOCKET *Socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(Port)};
    DWORD error = ERROR_SUCCESS;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *Socket = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (*Socket == INVALID_SOCKET)
        return (DWORD)WSAGetLastError();
    if (setsockopt(*Socket, SOL_SOCKET, SO_RCVTIMEO, (const char *)&LimitMs, sizeof LimitMs) != 0 ||
        setsockopt(*Socket, SOL_SOCKET, SO_SNDTIMEO, (const char *)&LimitMs, sizeof LimitMs) != 0 ||
        connect(*Socket, (const struct sockaddr *)&address, sizeof address) != 0)
        error = (DWORD)WSAGetLastError();
    return error;
}

/* The first round on every connection. */
static DWORD BeginTalk(const TALK *Talk, UINT32 LimitMs, SOCKET *Socket, TALKED *Talked)
{
    DWORD error = ERROR_SUCCESS;

    for (UINT32 i = 0; error == ERROR_SUCCESS && i < Talk->Connections; i++) {
        error = Connect(Talk->Port, LimitMs, &Socket[i]);
        Talked->Connections += error == ERROR_SUCCESS;
        if (error == ERROR_SUCCESS &&
            Round(Socket[i], Talk->Bytes, (UINT8)(i * 31u), Talked, &error) == HEARD_CLOSED)
            error = WSAECONNRESET;
    }
    return error;
}

static DWORD TalkUntilClosed(const TALK *Talk, SOCKET *Socket, TALKED *Talked)
{
    DWORD error = ERROR_SUCCESS;

    while (error == ERROR_SUCCESS && Talked->Closed < Talk->Connections) {
        for (UINT32 i = 0; error == ERROR_SUCCESS && i < Talk->Connections; i++) {
            HEARD heard = HEARD_ECHO;

            if (Socket[i] != INVALID_SOCKET)
                heard = Talk->Idle ? Wait(Socket[i], &error)
                                   : Round(Socket[i], Talk->Bytes, (UINT8)(i * 31u), Talked, &error);
            if (heard != HEARD_CLOSED)
                continue;
            Talked->Closed++;
            closesocket(Socket[i]);
            Socket[i] = INVALID_SOCKET;
        }
    }
    return error;
}

DWORD Talk(const TALK *Talk, HANDLE Begun, UINT32 LimitMs, TALKED *Talked)
{
    SOCKET sockets[WSKP_ECHO_CONNECTIONS];
    WSADATA data;
    DWORD error = (DWORD)WSAStartup(MAKEWORD(2, 2), &data);

    *Talked = (TALKED){0};
    if (error != ERROR_SUCCESS)
        return error;
    for (UINT32 i = 0; i < WSKP_ECHO_CONNECTIONS; i++)
        sockets[i] = INVALID_SOCKET;
    error = BeginTalk(Talk, LimitMs, sockets, Talked);
    if (Begun != NULL)
        SetEvent(Begun);
    if (error == ERROR_SUCCESS && Talk->UntilClosed)
        error = TalkUntilClosed(Talk, sockets, Talked);
    for (UINT32 i = 0; i < WSKP_ECHO_CONNECTIONS; i++) {
        if (sockets[i] != INVALID_SOCKET)
            closesocket(sockets[i]);
    }
    WSACleanup();
    return error;
}

DWORD TalkAside(const TALK *Talk, UINT32 LimitMs)
{
    wchar_t image[MAX_PATH], line[MAX_PATH + 128];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD error = ImagePath(image, ARRAYSIZE(image)), code = 0;

    if (error != ERROR_SUCCESS)
        return error;
    _snwprintf(line, ARRAYSIZE(line) - 1, L"\"%ls\" echo --port %u --bytes %u --connections %u", image,
               (unsigned)Talk->Port, (unsigned)Talk->Bytes, (unsigned)Talk->Connections);
    line[ARRAYSIZE(line) - 1] = L'\0';
    if (!CreateProcessW(image, line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &startup, &process))
        return GetLastError();
    if (WaitForSingleObject(process.hProcess, LimitMs) != WAIT_OBJECT_0) {
        error = ERROR_TIMEOUT;
        (void)TerminateProcess(process.hProcess, EXIT_FAILED);
    } else if (!GetExitCodeProcess(process.hProcess, &code)) {
        error = GetLastError();
    } else if (code != EXIT_DONE) {
        error = ERROR_GEN_FAILURE;
    }
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return error;
}

int CommandEcho(int Argc, wchar_t **Argv)
{
    const wchar_t *portText = NULL, *bytesText = NULL, *connectionsText = NULL;
    const OPTION options[] = {
        {.Name = L"--port", .Value = &portText},
        {.Name = L"--bytes", .Value = &bytesText},
        {.Name = L"--connections", .Value = &connectionsText},
    };
    UINT64 port, bytes, connections;
    TALKED talked;
    TALK talk;
    DWORD error;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || portText == NULL || bytesText == NULL ||
        connectionsText == NULL || !ParseU64(portText, &port) || !ParseU64(bytesText, &bytes) ||
        !ParseU64(connectionsText, &connections) || port == 0 || port > MAXUINT16 || bytes == 0 ||
        bytes > WSKP_ECHO_BYTES || connections == 0 || connections > WSKP_ECHO_CONNECTIONS)
        return EXIT_USAGE;
    talk = (TALK){.Port = (UINT16)port, .Bytes = (UINT32)bytes, .Connections = (UINT32)connections};
    error = Talk(&talk, NULL, PROGRAM_MS, &talked);
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("talk to the echo server at port", portText, error);
}
