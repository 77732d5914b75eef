/* complain.c - one-line complaints on standard error. */
#include "complain.h"
#include "stream.h"

/* Missing from mingw-w64. */
#ifndef ERROR_INVALID_IMAGE_HASH
#define ERROR_INVALID_IMAGE_HASH 577
#endif
#ifndef ERROR_DRIVER_BLOCKED
#define ERROR_DRIVER_BLOCKED 1275
#endif

/* What to do next, for the errors that everybody meets who loads drivers. */
static const char *AdviceFor(DWORD Win32)
{
    switch (Win32) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND: return "check the path, push the file again";
    case ERROR_ACCESS_DENIED: return "run as an administrator with an elevated token";
    case ERROR_SHARING_VIOLATION: return "another process has the file open";
    case ERROR_DISK_FULL: return "make room on the disk";
    case ERROR_ALREADY_EXISTS:
    case ERROR_SERVICE_ALREADY_RUNNING: return "it is there or running already: stop it first";
    case ERROR_INVALID_IMAGE_HASH:
        return "the signature is not accepted: turn test signing on (and Secure Boot off), import the "
               "certificate into Root and TrustedPublisher, reboot";
    case ERROR_DRIVER_BLOCKED:
        return "the driver is blocked by memory integrity (HVCI) or the block list: inspect the driver or "
               "turn memory integrity off";
    case ERROR_BAD_DRIVER: return "the service of this name is not a kernel driver: choose another name";
    case ERROR_SERVICE_DISABLED: return "the service is disabled: install it again";
    case ERROR_SERVICE_MARKED_FOR_DELETE:
        return "somebody still holds the service open (services.msc, a debugger, another agent): close it "
               "or reboot";
    case ERROR_SERVICE_REQUEST_TIMEOUT:
        return "the service did not answer in time: the machine is busy or has just booted, try again";
    case ERROR_SERVICE_DOES_NOT_EXIST: return "install the service first";
    case RPC_S_SERVER_UNAVAILABLE:
        return "the service control manager does not answer: the machine is still booting or broken";
    default: return NULL;
    }
}

void TextAddError(TEXT *Text, DWORD Win32)
{
    wchar_t message[256];
    DWORD length;
    const char *advice = AdviceFor(Win32);

    TextAdd(Text, "error ");
    TextAddU64(Text, Win32);
    length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, Win32, 0,
                            message, ARRAYSIZE(message), NULL);
    while (length != 0 && (message[length - 1] <= L' ' || message[length - 1] == L'.'))
        length--;
    if (length != 0) {
        message[length] = L'\0';
        TextAdd(Text, ": ");
        TextAddWide(Text, message);
    }
    if (advice != NULL) {
        TextAdd(Text, "; ");
        TextAdd(Text, advice);
    }
}

static void TextAddAttempt(TEXT *Text, const char *Attempt, const wchar_t *Subject)
{
    TextAdd(Text, "wskagent: ");
    TextAdd(Text, Attempt);
    if (Subject != NULL) {
        TextAdd(Text, " ");
        TextAddWide(Text, Subject);
    }
    TextAdd(Text, ": ");
}

static int Say(TEXT *Text)
{
    /* TextAdd would drop the newline of a line that is cut. */
    if (Text->Full) {
        Text->Data[Text->Length - 1] = '\n';
    } else {
        TextAdd(Text, "\n");
    }
    /* A complaint that can't be written has nobody left to be told. */
    (void)WriteFully(GetStdHandle(STD_ERROR_HANDLE), Text->Data, Text->Length);
    return EXIT_FAILED;
}

int Complain(const char *Attempt, const wchar_t *Subject, DWORD Win32)
{
    char buffer[4096];
    TEXT text;

    TextInit(&text, buffer, sizeof buffer);
    TextAddAttempt(&text, Attempt, Subject);
    TextAddError(&text, Win32);
    return Say(&text);
}

int ComplainText(const char *Attempt, const wchar_t *Subject, const char *Reason)
{
    char buffer[4096];
    TEXT text;

    TextInit(&text, buffer, sizeof buffer);
    TextAddAttempt(&text, Attempt, Subject);
    TextAdd(&text, Reason);
    return Say(&text);
}
