"""The script that the PC runs for local groups.

Arguments: the file with the orders (UTF-16: ``read|add|remove TAB SID TAB ADsPath`` a line) and the file for the
answer (UTF-16: one line an order, the HRESULT in hex, behind it for ``read`` the members' ADsPaths; ``end`` at last).
"""

SCRIPT = r"""
function failure(hresult) { var e = new Error(""); e.number = hresult; return e; }

function group(sid) {
  var locator = new ActiveXObject("WbemScripting.SWbemLocator");
  var wmi = locator.ConnectServer(".", "root\\cimv2");
  var found = wmi.ExecQuery("SELECT Name FROM Win32_Group WHERE LocalAccount=TRUE AND SID='" + sid + "'");
  if (found.Count == 0) { throw failure(0x80070560); }
  var name = new Enumerator(found).item().Name;
  return GetObject("WinNT://./" + name + ",group");
}

function membersOf(sid) {
  var paths = [];
  for (var all = new Enumerator(group(sid).Members()); !all.atEnd(); all.moveNext()) {
    paths.push(all.item().ADsPath);
  }
  return paths;
}

function add(sid, path) { group(sid).Add(path); }

function remove(sid, path) { group(sid).Remove(path); }

function carryOut(order) {
  try {
    if (order[0] == "read") { return ["0"].concat(membersOf(order[1])).join("\t"); }
    if (order[0] == "add") { add(order[1], order[2]); } else { remove(order[1], order[2]); }
    return "0";
  } catch (e) {
    return ((e.number || 0x80004005) >>> 0).toString(16);
  }
}

var files = new ActiveXObject("Scripting.FileSystemObject");
var orders = files.OpenTextFile(WScript.Arguments(0), 1, false, -1);
var answer = files.CreateTextFile(WScript.Arguments(1), true, true);
while (!orders.AtEndOfStream) {
  var line = orders.ReadLine();
  if (line.length) { answer.WriteLine(carryOut(line.split("\t"))); }
}
answer.WriteLine("end");
answer.Close();
"""
