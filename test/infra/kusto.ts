// Kusto's own parser and analyser, as Azure's query editor uses it. It is JavaScript for a page, made from C#, so it is run as a page
// would run it: as a script whose names are global.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInThisContext } from 'node:vm'

/** The little of it that is used here. Lists are those of .NET. */
interface KustoLanguage {
  Symbols: {
    TableSymbol: { $ctor7: new (name: string, schema: string, description: null) => unknown }
    DatabaseSymbol: { ctor: new (name: string, members: unknown[]) => unknown }
  }
  GlobalState: { Default: { WithDatabase(database: unknown): unknown } }
  KustoCode: {
    ParseAndAnalyze(
      text: string,
      globals: unknown,
    ): {
      GetDiagnostics(): List<{ Message: string; Start: number }>
      ResultType: { Columns: List<{ Name: string }> }
    }
  }
}
interface List<T> {
  Count: number
  $item?: T
}

const folder = dirname(createRequire(import.meta.url).resolve('@kusto/language-service-next/package.json'))
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js'])
  runInThisContext(readFileSync(join(folder, file), 'utf8'), { filename: file })

const { Kusto, System } = globalThis as unknown as {
  Kusto: { Language: KustoLanguage }
  System: { Array: { getItem<T>(list: List<T>, index: number): T } }
}
const { Symbols, GlobalState, KustoCode } = Kusto.Language

// The columns of Azure Monitor's tables that may be used.
const tables = {
  AppTraces:
    '(TimeGenerated: datetime, Message: string, SeverityLevel: int, ItemCount: int, OperationName: string, Properties: dynamic)',
  AppRequests:
    '(TimeGenerated: datetime, Name: string, ResultCode: string, Success: bool, DurationMs: real, AppRoleInstance: string, ItemCount: int, OperationName: string, Properties: dynamic)',
}
const workspace = GlobalState.Default.WithDatabase(
  new Symbols.DatabaseSymbol.ctor(
    'workspace',
    Object.entries(tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null)),
  ),
)

export interface Analysis {
  /** What the parser and the analyser find wrong. */
  problems: string[]
  /** Names of the columns that the query answers with. */
  columns: string[]
}

export function analyze(query: string): Analysis {
  const code = KustoCode.ParseAndAnalyze(query, workspace)
  const problems = items(code.GetDiagnostics()).map(({ Message, Start }) => `${Message} (at ${Start})`)
  return {
    problems,
    columns: problems.length > 0 ? [] : items(code.ResultType.Columns).map(({ Name }) => Name),
  }
}

function items<T>(list: List<T>): T[] {
  return Array.from({ length: list.Count }, (_, index) => System.Array.getItem(list, index))
}
