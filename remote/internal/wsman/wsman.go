// Package wsman holds what both ends of a WinRM conversation share: the names that WS-Management
// and the Windows remote shell give to things, the codes of their faults, and a reader of SOAP
// envelopes that is safe against hostile input.
//
// Sources, by the short names used in the comments: MS-WSMV is Microsoft's open specification "Web
// Services Management Protocol Extensions for Windows Vista", DSP0226 is the DMTF's WS-Management,
// wsmerror.h is the header of the Windows SDK.
package wsman

// XML namespaces (MS-WSMV 2.2.1).
const (
	NSEnvelope    = "http://www.w3.org/2003/05/soap-envelope"
	NSAddressing  = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
	NSTransfer    = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
	NSEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
	NSEventing    = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
	NSManagement  = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
	NSMicrosoft   = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
	NSShell       = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
	NSFault       = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
	NSConfig      = "http://schemas.microsoft.com/wbem/wsman/1/config"
	NSIdentity    = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
	nsXML         = "http://www.w3.org/XML/1998/namespace"
)

// Anonymous is the address that answers are sent to: whoever asked.
const Anonymous = NSAddressing + "/role/anonymous"

// Resources that this project talks to.
const (
	ResourceCmd    = NSShell + "/cmd"
	ResourceShell  = NSShell
	ResourceConfig = NSConfig
)

// Actions of requests. An answer's action is the request's with "Response" appended, but for
// faults, whose action is ActionFault (or ActionAddressingFault for faults of WS-Addressing).
const (
	ActionCreate    = NSTransfer + "/Create"
	ActionGet       = NSTransfer + "/Get"
	ActionDelete    = NSTransfer + "/Delete"
	ActionEnumerate = NSEnumeration + "/Enumerate"
	ActionPull      = NSEnumeration + "/Pull"
	ActionCommand   = NSShell + "/Command"
	ActionSend      = NSShell + "/Send"
	ActionReceive   = NSShell + "/Receive"
	ActionSignal    = NSShell + "/Signal"

	ActionFault           = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
	ActionAddressingFault = NSAddressing + "/fault"
)

// States of a command (MS-WSMV 2.2.4.11 CommandState).
const (
	StatePending = NSShell + "/CommandState/Pending"
	StateRunning = NSShell + "/CommandState/Running"
	StateDone    = NSShell + "/CommandState/Done"
)

// Signals (MS-WSMV 2.2.4.38).
const (
	SignalTerminate = NSShell + "/signal/terminate"
	SignalCtrlC     = NSShell + "/signal/ctrl_c"
	SignalCtrlBreak = NSShell + "/signal/ctrl_break"
)

// Options of Create, Command and Receive (MS-WSMV 3.1.4.5.2, 3.1.4.11, 3.1.4.14).
const (
	OptionNoProfile    = "WINRS_NOPROFILE"
	OptionCodepage     = "WINRS_CODEPAGE"
	OptionConsoleStdin = "WINRS_CONSOLEMODE_STDIN"
	OptionSkipShell    = "WINRS_SKIP_CMD_SHELL"
	OptionKeepAlive    = "WSMAN_CMDSHELL_OPTION_KEEPALIVE"
)

// Codes of faults, from wsmerror.h; where a Windows host has been seen to send one, "recorded" says
// so. Besides them Windows sends Win32 errors, bare or as an HRESULT.
const (
	CodeInvalidAction         uint32 = 2150858753 // ERROR_WSMAN_INVALID_ACTIONURI
	CodeInvalidHeader         uint32 = 2150858767 // ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER
	CodeMustUnderstand        uint32 = 2150858768 // ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND
	CodeHeaderRequired        uint32 = 2150858769 // ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED
	CodeTimedOut              uint32 = 2150858793 // ERROR_WSMAN_OPERATION_TIMEDOUT; recorded
	CodeInvalidResourceURI    uint32 = 2150858811 // ERROR_WSMAN_INVALID_RESOURCE_URI
	CodeSchemaValidation      uint32 = 2150858817 // ERROR_WSMAN_SCHEMA_VALIDATION_ERROR
	CodeInvalidXML            uint32 = 2150858819 // ERROR_WSMAN_INVALID_XML
	CodeMaxEnvelope           uint32 = 2150858823 // ERROR_WSMAN_MAX_ENVELOPE_SIZE
	CodeMaxEnvelopeExceeded   uint32 = 2150858824 // ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED
	CodeServerEnvelopeLimit   uint32 = 2150858825 // ERROR_WSMAN_SERVER_ENVELOPE_LIMIT
	CodeInvalidOptionName     uint32 = 2150858834 // ERROR_WSMAN_OPTIONS_INVALID_NAME
	CodeInvalidOptionValue    uint32 = 2150858835 // ERROR_WSMAN_OPTIONS_INVALID_VALUE
	CodeUnexpectedSelectors   uint32 = 2150858843 // ERROR_WSMAN_UNEXPECTED_SELECTORS: shell or command gone; recorded
	CodeMinEnvelope           uint32 = 2150858878 // ERROR_WSMAN_MIN_ENVELOPE_SIZE
	CodeQuotaShells           uint32 = 2150859173 // ERROR_WSMAN_QUOTA_MAX_SHELLS
	CodeQuotaOperations       uint32 = 2150859174 // ERROR_WSMAN_QUOTA_MAX_OPERATIONS
	CodeQuotaUser             uint32 = 2150859175 // ERROR_WSMAN_QUOTA_USER
	CodeQuotaSystem           uint32 = 2150859176 // ERROR_WSMAN_QUOTA_SYSTEM
	CodeQuotaShellUsers       uint32 = 2150859179 // ERROR_WSMAN_QUOTA_MAX_SHELLUSERS
	CodeQuotaShellsPPQ        uint32 = 2150859236 // ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ
	CodeQuotaUsersPPQ         uint32 = 2150859237 // ERROR_WSMAN_QUOTA_MAX_USERS_PPQ
	CodeQuotaPluginShells     uint32 = 2150859238 // ERROR_WSMAN_QUOTA_MAX_PLUGINSHELLS_PPQ
	CodeQuotaPluginOperations uint32 = 2150859239 // ERROR_WSMAN_QUOTA_MAX_PLUGINOPERATIONS_PPQ
	CodeQuotaUserOperations   uint32 = 2150859240 // ERROR_WSMAN_QUOTA_MAX_OPERATIONS_USER_PPQ
	CodeQuotaCommands         uint32 = 2150859241 // ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ
)
