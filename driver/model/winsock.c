/*
 * winsock.c - finding ws2_32.dll, its errors, and the thread that serves the completion port.
 */
#include "call.h"

/* From ntdll.dll; the driver kit does not declare them. */
NTSYSAPI NTSTATUS NTAPI LdrLoadDll(PCWSTR SearchPath, PULONG Flags, PUNICODE_STRING Name, PVOID *Module);
NTSYSAPI NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Module, PANSI_STRING Name, ULONG Ordinal,
                                               PVOID *Procedure);

#define WINSOCK_VERSION      0x0202
#define OVERLAPPED_SOCKET    1u          /* WSA_FLAG_OVERLAPPED */
#define GET_EXTENSION        0xC8000006u /* SIO_GET_EXTENSION_FUNCTION_POINTER */
#define ERROR_STARTED        997         /* WSA_IO_PENDING */
#define WITHOUT_LIMIT        0xFFFFFFFFu
#define KEEP_WHAT_IS_THERE   5u                     /* GET_MODULE_HANDLE_EX_FLAG_PIN | _FROM_ADDRESS */
#define STATUS_ADDRESS_TAKEN ((NTSTATUS)0xC000020A) /* STATUS_ADDRESS_ALREADY_EXISTS */

enum { UNKNOWN, OPENING, MISSING, FOUND };

static volatile LONG State = UNKNOWN;
static WINSOCK Functions; /* written before FOUND, read after it */
static HANDLE Port;

static const struct IMPORT {
    const char *Name;
    SIZE_T Slot; /* offset in WINSOCK */
} SocketImports[] =
    {
        {"WSAStartup", offsetof(WINSOCK, Startup)},
        {"WSAGetLastError", offsetof(WINSOCK, LastError)},
        {"WSASocketW", offsetof(WINSOCK, Socket)},
        {"closesocket", offsetof(WINSOCK, Close)},
        {"bind", offsetof(WINSOCK, Bind)},
        {"listen", offsetof(WINSOCK, Listen)},
        {"shutdown", offsetof(WINSOCK, Shutdown)},
        {"setsockopt", offsetof(WINSOCK, SetOption)},
        {"getsockname", offsetof(WINSOCK, LocalAddress)},
        {"getpeername", offsetof(WINSOCK, RemoteAddress)},
        {"WSAIoctl", offsetof(WINSOCK, Control)},
        {"WSASend", offsetof(WINSOCK, Send)},
        {"WSARecv", offsetof(WINSOCK, Receive)},
        {"WSASendTo", offsetof(WINSOCK, SendTo)},
        {"WSARecvFrom", offsetof(WINSOCK, ReceiveFrom)},
},
  PortImports[] = {
      {"CreateIoCompletionPort", offsetof(WINSOCK, Port)},
      {"GetQueuedCompletionStatus", offsetof(WINSOCK, Next)},
      {"CancelIoEx", offsetof(WINSOCK, Cancel)},
      {"GetModuleHandleExW", offsetof(WINSOCK, Keep)},
};

_IRQL_requires_max_(PASSIVE_LEVEL) static BOOLEAN
    Import(PCWSTR Library, const struct IMPORT *Imports, SIZE_T Count)
{
    UNICODE_STRING library;
    PVOID module = NULL;

    RtlInitUnicodeString(&library, Library);
    if (!NT_SUCCESS(LdrLoadDll(NULL, NULL, &library, &module))) {
        return FALSE;
    }
    for (SIZE_T i = 0; i < Count; i++) {
        PVOID procedure = NULL;
        ANSI_STRING name;

        RtlInitAnsiString(&name, Imports[i].Name);
        if (!NT_SUCCESS(LdrGetProcedureAddress(module, &name, 0, &procedure))) {
            return FALSE;
        }
        RtlCopyMemory((UINT8 *)&Functions + Imports[i].Slot, &procedure, sizeof(procedure));
    }
    return TRUE;
}

/* The two that no library exports: a socket's provider tells them. */
_IRQL_requires_max_(PASSIVE_LEVEL) static BOOLEAN ImportExtensions(VOID)
{
    static const GUID accept = {0xb5367df1, 0xcbac, 0x11cf, {0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92}};
    static const GUID connect = {
        0x25a207b9, 0xddf3, 0x4660, {0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e}};
    NATIVE socket = Functions.Socket(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, OVERLAPPED_SOCKET);
    ULONG returned = 0;
    BOOLEAN found;

    if (socket == NO_NATIVE) {
        return FALSE;
    }
    found = Functions.Control(socket, GET_EXTENSION, &accept, sizeof(accept), &Functions.Accept,
                              sizeof(Functions.Accept), &returned, NULL, NULL) == 0 &&
            Functions.Control(socket, GET_EXTENSION, &connect, sizeof(connect), &Functions.Connect,
                              sizeof(Functions.Connect), &returned, NULL, NULL) == 0;
    (VOID) Functions.Close(socket);
    return found;
}

/* Completes what was started. Runs as long as the process that hosts the driver. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID NTAPI Serve(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    for (;;) {
        NATIVE_IO *io = NULL;
        ULONG_PTR key = 0;
        ULONG bytes = 0;

        (VOID) Functions.Next(Port, &bytes, &key, &io, WITHOUT_LIMIT);
        if (io != NULL) {
            CallCompleted(CONTAINING_RECORD(io, CALL, Io), (NTSTATUS)io->Status, bytes);
        }
    }
}

/* What was got is kept when a later step fails: without all of it nothing is used. */
_IRQL_requires_max_(PASSIVE_LEVEL) static BOOLEAN OpenWinsock(VOID)
{
    UINT8 data[512]; /* WSADATA has 408 bytes */
    HANDLE thread = NULL;
    PVOID module = NULL;

    if (!Import(L"ws2_32.dll", SocketImports, RTL_NUMBER_OF(SocketImports)) ||
        !Import(L"kernel32.dll", PortImports, RTL_NUMBER_OF(PortImports)) ||
        Functions.Startup(WINSOCK_VERSION, data) != 0 || !ImportExtensions()) {
        return FALSE;
    }
    Port = Functions.Port((HANDLE)(LONG_PTR)-1, NULL, 0, 0);
    /* Wine unloads what a driver imports with it, also under a thread that has not run yet. */
    if (Port == NULL || !Functions.Keep(KEEP_WHAT_IS_THERE, (PCWSTR)(ULONG_PTR)Serve, &module) ||
        !NT_SUCCESS(PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Serve, NULL))) {
        return FALSE;
    }
    (VOID) ZwClose(thread);
    return TRUE;
}

VOID WinsockOpen(VOID)
{
    LARGE_INTEGER tick;

    if (InterlockedCompareExchange(&State, OPENING, UNKNOWN) == UNKNOWN) {
        (VOID) InterlockedExchange(&State, OpenWinsock() ? FOUND : MISSING);
    }
    tick.QuadPart = -10000; /* 1 ms */
    while (State == OPENING) {
        /* Bounded by the time that it takes another thread to load two libraries. */
        (VOID) KeDelayExecutionThread(KernelMode, FALSE, &tick);
    }
}

const WINSOCK *Winsock(VOID) { return State == FOUND ? &Functions : NULL; }

NTSTATUS WinsockSocket(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, NATIVE *Socket)
{
    *Socket = Functions.Socket(Family, Type, (INT)Protocol, NULL, 0, OVERLAPPED_SOCKET);
    if (*Socket == NO_NATIVE) {
        return WinsockError();
    }
    if (Functions.Port((HANDLE)*Socket, Port, 0, 0) == NULL) {
        (VOID) Functions.Close(*Socket);
        *Socket = NO_NATIVE;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

NTSTATUS WinsockError(VOID)
{
    switch (Functions.LastError()) {
    case ERROR_STARTED: return STATUS_PENDING;
    case 10013: /* WSAEACCES */ return STATUS_ACCESS_DENIED;
    case 10022: /* WSAEINVAL */
    case 10014: /* WSAEFAULT */ return STATUS_INVALID_PARAMETER;
    case 10038: /* WSAENOTSOCK: an abortive disconnect has closed it */ return STATUS_FILE_FORCED_CLOSED;
    case 10040: /* WSAEMSGSIZE */ return STATUS_INVALID_BUFFER_SIZE;
    case 10041: /* WSAEPROTOTYPE */
    case 10043: /* WSAEPROTONOSUPPORT */
    case 10044: /* WSAESOCKTNOSUPPORT */
    case 10047: /* WSAEAFNOSUPPORT */ return STATUS_NOT_SUPPORTED;
    case 10048: /* WSAEADDRINUSE */ return STATUS_ADDRESS_TAKEN;
    case 10049: /* WSAEADDRNOTAVAIL */ return STATUS_INVALID_ADDRESS_COMPONENT;
    case 10053: /* WSAECONNABORTED */ return STATUS_CONNECTION_ABORTED;
    case 10054: /* WSAECONNRESET */ return STATUS_CONNECTION_RESET;
    case 10056: /* WSAEISCONN */
    case 10057: /* WSAENOTCONN */ return STATUS_INVALID_DEVICE_STATE;
    case 10058: /* WSAESHUTDOWN */ return STATUS_FILE_FORCED_CLOSED;
    case 10061: /* WSAECONNREFUSED */ return STATUS_CONNECTION_REFUSED;
    default: return STATUS_UNSUCCESSFUL;
    }
}

INT WinsockAddressBytes(ADDRESS_FAMILY Family) { return Family == AF_INET6 ? 28 : (INT)sizeof(SOCKADDR_IN); }
