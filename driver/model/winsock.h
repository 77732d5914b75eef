/*
 * winsock.h - the sockets of user mode, which do the work of the model's.
 *
 * A Wine guest's kernel is a process like any other, and Wine's own netio.sys makes its sockets with
 * ws2_32.dll as well. The libraries are looked up at run time, with the loader of that process.
 *
 * What is started ends on one completion port, served by one thread of the model, whether it succeeded at
 * once or later.
 */
#pragma once

#include <ntddk.h>

#include "wskddk.h"

typedef UINT_PTR NATIVE; /* SOCKET of the Windows API */

#define NO_NATIVE ((NATIVE) ~(UINT_PTR)0)

/* OVERLAPPED of the Windows API. */
typedef struct NATIVE_IO {
    ULONG_PTR Status; /* an NTSTATUS */
    ULONG_PTR Bytes;
    ULONG Offset[2];
    HANDLE Event;
} NATIVE_IO;

/* WSABUF of the Windows API. */
typedef struct PIECE {
    ULONG Length;
    PVOID Bytes;
} PIECE;

typedef struct WINSOCK {
    INT(NTAPI *Startup)(USHORT Version, PVOID Data);
    INT(NTAPI *LastError)(VOID);
    NATIVE(NTAPI *Socket)(INT Family, INT Type, INT Protocol, PVOID Info, ULONG Group, ULONG Flags);
    INT(NTAPI *Close)(NATIVE Socket);
    INT(NTAPI *Bind)(NATIVE Socket, const SOCKADDR *Address, INT Bytes);
    INT(NTAPI *Listen)(NATIVE Socket, INT Backlog);
    INT(NTAPI *Shutdown)(NATIVE Socket, INT How);
    INT(NTAPI *SetOption)(NATIVE Socket, INT Level, INT Option, const VOID *Value, INT Bytes);
    INT(NTAPI *LocalAddress)(NATIVE Socket, SOCKADDR *Address, INT *Bytes);
    INT(NTAPI *RemoteAddress)(NATIVE Socket, SOCKADDR *Address, INT *Bytes);
    INT(NTAPI *Control)
    (NATIVE Socket, ULONG Code, const VOID *In, ULONG InBytes, PVOID Out, ULONG OutBytes, ULONG *Returned,
     NATIVE_IO *Io, PVOID Routine);
    INT(NTAPI *Send)
    (NATIVE Socket, PIECE *Pieces, ULONG Count, ULONG *Sent, ULONG Flags, NATIVE_IO *Io, PVOID Routine);
    INT(NTAPI *Receive)
    (NATIVE Socket, PIECE *Pieces, ULONG Count, ULONG *Received, ULONG *Flags, NATIVE_IO *Io, PVOID Routine);
    INT(NTAPI *SendTo)
    (NATIVE Socket, PIECE *Pieces, ULONG Count, ULONG *Sent, ULONG Flags, const SOCKADDR *Address, INT Bytes,
     NATIVE_IO *Io, PVOID Routine);
    INT(NTAPI *ReceiveFrom)
    (NATIVE Socket, PIECE *Pieces, ULONG Count, ULONG *Received, ULONG *Flags, SOCKADDR *Address, INT *Bytes,
     NATIVE_IO *Io, PVOID Routine);
    /* TRUE if it ended at once. */
    INT(NTAPI *Accept)
    (NATIVE Listener, NATIVE Accepted, PVOID Buffer, ULONG Data, ULONG Local, ULONG Remote, ULONG *Received,
     NATIVE_IO *Io);
    INT(NTAPI *Connect)
    (NATIVE Socket, const SOCKADDR *Address, INT Bytes, PVOID Data, ULONG DataBytes, ULONG *Sent,
     NATIVE_IO *Io);
    HANDLE(NTAPI *Port)(HANDLE File, HANDLE Port, ULONG_PTR Key, ULONG Threads);
    INT(NTAPI *Next)(HANDLE Port, ULONG *Bytes, ULONG_PTR *Key, NATIVE_IO **Io, ULONG Ms);
    INT(NTAPI *Cancel)(HANDLE File, NATIVE_IO *Io);
    INT(NTAPI *Keep)(ULONG Flags, PCWSTR Address, PVOID *Module);
} WINSOCK;

/* Finds the functions and starts the thread, the first time; then waits until that is done. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID WinsockOpen(VOID);

/* NULL where they were not found. */
_IRQL_requires_max_(HIGH_LEVEL) const WINSOCK *Winsock(VOID);

/* A socket on the completion port. Winsock is there. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    WinsockSocket(ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, NATIVE *Socket);

/* What the thread's last call failed with, as WSK would say it; STATUS_PENDING if it was only started. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WinsockError(VOID);

/* Bytes of a socket address of a family. */
_IRQL_requires_max_(HIGH_LEVEL) INT WinsockAddressBytes(ADDRESS_FAMILY Family);
