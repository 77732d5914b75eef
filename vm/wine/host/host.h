/* host.h - what the files of winrshost.exe share: the host, its commands, and what is done with them. */
#pragma once

#include "frames.h"

#define THREAD_STACK (64u * 1024u)

struct HOST {
    HANDLE In, Out, Heap;
    CRITICAL_SECTION OutLock; /* one frame at a time on Out */
    CRITICAL_SECTION Lock;    /* Commands, CommandCount, Idle, and the windows of all commands */
    struct COMMAND *Commands;
    UINT32 CommandCount;
    volatile LONG Watches;
    HANDLE Keepers;       /* the job of the processes that keep consoles */
    struct CONSOLE *Idle; /* consoles without a command; Lock */
    UINT32 IdleCount;     /* Lock */
};

typedef struct CONSOLE CONSOLE;

typedef struct {
    struct COMMAND *Command;
    HANDLE Pipe;    /* our end */
    HANDLE Thread;  /* owned by the command's waiter */
    HANDLE Granted; /* auto-reset: Window grew, or Stop was set */
    UINT32 Window;  /* bytes that may still be sent; HOST.Lock */
    UINT8 Stream;
} OUTPUT;

typedef struct COMMAND {
    struct COMMAND *Next;
    HOST *Host;
    UINT32 Id;
    HANDLE Process, Job;
    CONSOLE *Console; /* its own while it runs; NULL before */
    OUTPUT Output[2];
    /* Input: a ring that the reader fills within the window that was granted, so it never overflows. */
    HANDLE InputPipe, InputThread, InputThere;
    UINT8 *Ring;
    UINT32 RingStart, RingUsed; /* HOST.Lock */
    BOOL InputEnd;              /* HOST.Lock: no more will come */
    BOOL Stop;                  /* HOST.Lock: the command is over, threads go home */
} COMMAND;

static inline UINT32 Least(UINT32 A, UINT32 B) { return A < B ? A : B; }

/* ---- memory.c ---- */

/* Zeroed memory, for Free; NULL when there is none. */
void *Allocate(HOST *Host, SIZE_T Size);
void Free(HOST *Host, void *Memory);
void CloseAndClear(HANDLE *Handle);

/* A job that ends with its handle, and with it all that is in it; NULL without memory. */
HANDLE MakeJob(void);

/* ---- output.c ---- */

/* A thread for one OUTPUT, its parameter. */
DWORD WINAPI OutputThread(void *Parameter);

/* Lets Value more bytes of an output be sent. With HOST.Lock held. */
void Grant(COMMAND *Command, UINT8 Stream, UINT32 Value);

/* ---- input.c ---- */

/* A thread for the input of one COMMAND, its parameter. */
DWORD WINAPI InputThread(void *Parameter);

/* Puts input into the ring; FALSE when the endpoint sent more than it was granted. With HOST.Lock held. */
BOOL PutInput(COMMAND *Command, const UINT8 *Data, UINT32 Length);

/* ---- console.c ---- */

/* Makes the job in which keepers end with the host. FALSE without memory. */
BOOL MakeKeeperJob(HOST *Host);

/* What a keeper does. */
int KeepConsole(void);

/* Attaches this process to a console that is no command's, and sets both its code pages. Returns the Win32
 * error: ERROR_INVALID_PARAMETER for a code page that consoles don't take. After 0 the console is the
 * caller's, for GiveConsole, and LeaveConsole is due. Only for the reader. */
DWORD EnterConsole(HOST *Host, UINT32 CodePage, CONSOLE **Entered);

/* Detaches this process from the console that it has entered. Only for the reader. */
void LeaveConsole(void);

/* Gives a console back when all that was attached to it is gone; NULL does nothing. */
void GiveConsole(HOST *Host, CONSOLE *Console);

/* Says whether consoles take a code page: 0, or the Win32 error. Only for the reader. */
DWORD TryCodePage(HOST *Host, UINT32 CodePage);

/* Has a console made for the first command, and does not wait for it. Only for the reader. */
void PrepareConsole(HOST *Host);

/* ---- command.c ---- */

/* A command without process, pipes and threads, for Discard or StartThreads; NULL without memory. */
COMMAND *MakeCommand(HOST *Host, UINT32 Id);

/* Frees a command whose threads are gone or were never started. */
void Discard(COMMAND *Command);

/* Makes a command one that Find finds. */
void Link(COMMAND *Command);

/* With HOST.Lock held. NULL: it has ended while the frame was on its way. */
COMMAND *Find(HOST *Host, UINT32 Id);

/* Starts the command's threads. After TRUE the command belongs to its waiter. Without threads the host
 * is of no use, so failure is for the caller to end everything. */
BOOL StartThreads(COMMAND *Command);

/* Ends the tree. Output that nobody has read yet is dropped: whoever terminates does not want it. With
 * HOST.Lock held. */
void Terminate(COMMAND *Command, UINT32 ExitCode);

/* ---- spawn.c ---- */

/* Starts a command as a spawn frame's payload says, in a console with that code page, and tells the endpoint
 * whether it runs. Only for the reader: one command at a time is created. */
void Spawn(HOST *Host, UINT32 Id, UINT32 CodePage, UINT8 *Payload, UINT32 Length);

/* ---- watch.c ---- */

/* Tells the endpoint once when that process has ended. */
void StartWatch(HOST *Host, UINT32 ProcessId);

/* Ends a process that is not a command's. One that can't be opened has ended already. */
void KillProcess(UINT32 ProcessId, UINT32 ExitCode);
