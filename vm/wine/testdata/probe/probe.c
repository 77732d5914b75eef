/*
 * probe.c - a program for tests of what runs commands in a guest.
 *
 *   probe exit N        ends with exit code N
 *   probe echo          copies standard input to standard output
 *   probe fill N        writes N bytes to standard output
 *   probe both          writes "out" and "err"
 *   probe ioctl CODE    sends \\.\Faulty the control code 0x220000 | CODE << 2
 *   probe tree          starts itself as "probe hold", says so, and holds
 *   probe hold          does nothing for a minute
 *   probe fault         writes to address 0x20
 *   probe args …        writes its command line in UTF-8, as Windows has it
 *   probe words …       writes the words that its C library makes of that, each with its line's end
 *   probe env NAME      writes the variable in UTF-8
 *   probe break         types Ctrl-Break at its console, and says so if it is still there
 */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char Buffer[256 * 1024];

static int Put(HANDLE To, const char *From, DWORD Length)
{
    while (Length > 0) {
        DWORD Put = 0;
        if (!WriteFile(To, From, Length, &Put, NULL))
            return 0;
        From += Put;
        Length -= Put;
    }
    return 1;
}

static int Echo(HANDLE In, HANDLE Out)
{
    DWORD Got = 0;
    while (ReadFile(In, Buffer, sizeof(Buffer), &Got, NULL) && Got > 0) {
        if (!Put(Out, Buffer, Got))
            return 1;
    }
    return 0;
}

static int Fill(HANDLE Out, unsigned long long Length)
{
    memset(Buffer, 'x', sizeof(Buffer));
    while (Length > 0) {
        DWORD Now = Length < sizeof(Buffer) ? (DWORD)Length : (DWORD)sizeof(Buffer);
        if (!Put(Out, Buffer, Now))
            return 1;
        Length -= Now;
    }
    return 0;
}

static int Control(DWORD Code)
{
    DWORD Length = 0;
    HANDLE Device =
        CreateFileA("\\\\.\\Faulty", GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    if (Device == INVALID_HANDLE_VALUE)
        return (int)GetLastError();
    return DeviceIoControl(Device, 0x220000 | Code << 2, NULL, 0, NULL, 0, &Length, NULL)
               ? 0
               : (int)GetLastError();
}

static int Tree(HANDLE Out, char *Self)
{
    STARTUPINFOA Startup;
    PROCESS_INFORMATION Process;
    char Line[MAX_PATH + 8];
    snprintf(Line, sizeof(Line), "%s hold", Self);
    ZeroMemory(&Startup, sizeof(Startup));
    Startup.cb = sizeof(Startup);
    Startup.dwFlags = STARTF_USESTDHANDLES;
    if (!CreateProcessA(NULL, Line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &Startup, &Process))
        return (int)GetLastError();
    Put(Out, "grown\n", 6);
    Sleep(60000);
    return 0;
}

/* Writes a text in UTF-8, whatever the console's code page is. */
static int PutWide(HANDLE Out, const WCHAR *Text)
{
    int Length = WideCharToMultiByte(CP_UTF8, 0, Text, -1, Buffer, sizeof(Buffer), NULL, NULL);
    return Length < 1 || !Put(Out, Buffer, (DWORD)Length - 1);
}

static int PutWords(HANDLE Out, int Count, char **Words)
{
    int I;
    for (I = 0; I < Count; I++) {
        if (!Put(Out, Words[I], (DWORD)strlen(Words[I])) || !Put(Out, "\n", 1))
            return 1;
    }
    return 0;
}

static int PutVariable(HANDLE Out, const char *Name)
{
    static WCHAR Wide[64], Value[32767];
    if (MultiByteToWideChar(CP_UTF8, 0, Name, -1, Wide, 64) == 0 ||
        GetEnvironmentVariableW(Wide, Value, 32767) == 0)
        return (int)GetLastError();
    return PutWide(Out, Value);
}

static int Break(HANDLE Out)
{
    if (!GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0))
        return (int)GetLastError();
    Sleep(60000);
    return !Put(Out, "unbroken\n", 9);
}

static volatile ULONG_PTR Nowhere = 0x20; /* volatile, so that the compiler does not see through it */

int main(int Count, char **Words)
{
    HANDLE In = GetStdHandle(STD_INPUT_HANDLE), Out = GetStdHandle(STD_OUTPUT_HANDLE);
    const char *Word = Count > 1 ? Words[1] : "", *Argument = Count > 2 ? Words[2] : "0";
    if (strcmp(Word, "exit") == 0)
        ExitProcess(strtoul(Argument, NULL, 0));
    if (strcmp(Word, "echo") == 0)
        return Echo(In, Out);
    if (strcmp(Word, "fill") == 0)
        return Fill(Out, strtoull(Argument, NULL, 0));
    if (strcmp(Word, "both") == 0)
        return !Put(Out, "out", 3) || !Put(GetStdHandle(STD_ERROR_HANDLE), "err", 3);
    if (strcmp(Word, "ioctl") == 0)
        return Control(strtoul(Argument, NULL, 0));
    if (strcmp(Word, "tree") == 0)
        return Tree(Out, Words[0]);
    if (strcmp(Word, "hold") == 0)
        Sleep(60000);
    if (strcmp(Word, "args") == 0)
        return PutWide(Out, GetCommandLineW());
    if (strcmp(Word, "words") == 0)
        return PutWords(Out, Count - 2, Words + 2);
    if (strcmp(Word, "env") == 0)
        return PutVariable(Out, Argument);
    if (strcmp(Word, "break") == 0)
        return Break(Out);
    if (strcmp(Word, "fault") == 0)
        *(volatile int *)Nowhere = 1;
    return 0;
}
