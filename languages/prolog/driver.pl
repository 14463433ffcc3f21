/*  The judge's side of SWI-Prolog: load a program as `swipl FILE` does, ask its query, tell what came out.

    The module's name is another one in each worker: what a program defines or changes under a name that it can know is
    its own affair, as under plain Prolog. A program that searches for it all the same can spoil nothing but its own
    verdict, since no right answer is ever here.
*/

:- module(lowres_judge, []).

:- set_module(base(system)).  % what a program defines in user is not seen here; and so no library is needed either

:- dynamic noted/4, halted/0.
:- volatile noted/4, halted/0.

%   judge(+File, +QueryText, +StackBytes, +Inferences, +MaxAnswer, -Told)
%
%   Told is a text: how long each part is, a line end, the parts: status, answer, and four for each note, its severity,
%   line, column and message; line and column counted from 1 and 0 where unknown.

judge(File, QueryText, StackBytes, Inferences, MaxAnswer, Told) :-
    set_prolog_flag(stack_limit, StackBytes),
    prepare(File),
    statistics(inferences, Start),
    attempt(system:load_files(user:File, [silent(true)]), Inferences, Load),
    (   Load = ended(Outcome)
    ->  Given = ''
    ;   statistics(inferences, Loaded),
        Left is max(1, Inferences - (Loaded - Start)),
        ask(QueryText, Left, MaxAnswer, Outcome, Given)
    ),
    flush,
    blame_syntax(Outcome, Given, Status, Answer),
    all_notes(Notes),
    parts(Notes, Parts),
    told([Status, Answer|Parts], Told).

parts([], []).
parts([[Severity, Line, Column, Text]|Notes], [Severity, Line, Column, Start|Parts]) :-
    ( sub_atom(Text, 0, 4050, _, Start) -> true ; Start = Text ),  % of a message 4,000 characters are kept
    parts(Notes, Parts).

told(Parts, Told) :-
    lengths(Parts, Lengths),
    atomic_list_concat(Lengths, ' ', Head),
    atomic_list_concat([Head, '\n'|Parts], Told).

%   By string_length/2, which numbers have under every flag that a program may set.

lengths([], []).
lengths([Part|Parts], [Length|Lengths]) :- string_length(Part, Length), lengths(Parts, Lengths).

%   SWI-Prolog goes on after a clause that it cannot read, and what is left may still answer. If it does not, the
%   syntax is to blame.

blame_syntax(_, _, syntax_error, '') :- halted, !.
blame_syntax(Outcome, _, syntax_error, '') :-
    ( Outcome == no_answer ; Outcome == runtime_error ),
    syntax_error_noted,
    !,
    retractall(noted(unknown, _, _, _)).  % that a clause is missing which cannot be read says nothing more
blame_syntax(Status, Answer, Status, Answer).

%   answers(+File, +QueryText, +StackBytes, +Inferences, +More, +MaxAnswer, +Most, -Answers): the different answers of all
%   solutions, the first Most of them; as many as come before an exception or the limit, which is Inferences, and from
%   the first answer on More.

answers(File, QueryText, StackBytes, Inferences, More, MaxAnswer, Most, Answers) :-
    set_prolog_flag(stack_limit, StackBytes),
    prepare(File),
    Found = found([]),
    attempt(system:load_files(user:File, [silent(true)]), Inferences, Load),
    (   Load \= ended(_),
        catch(term_string(Goal, QueryText, [variable_names(Names), module(user)]), _, fail)
    ->  ( Names = [_=Value|_] -> true ; Value = true ),
        attempt(lowres_judge:enumerate(Goal, Value, More, MaxAnswer, Most, Found), Inferences, _)
    ;   true
    ),
    flush,
    arg(1, Found, Backwards),
    backwards(Backwards, [], Answers).

enumerate(Goal, Value, More, MaxAnswer, Most, Found) :-
    user:Goal,
    \+ no_value(Value),
    answer_text(Value, MaxAnswer, Text),
    arg(1, Found, Before),
    ( Before == [] -> '$inference_limit'(More, _) ; true ),  % it lowers the limit that is there, and raises none
    \+ ( '$member'(Same, Before), Same == Text ),
    nb_setarg(1, Found, [Text|Before]),
    arg(1, Found, Now),
    length(Now, Most).

backwards([], All, All).
backwards([Text|Texts], Before, All) :- backwards(Texts, [Text|Before], All).

%   check(+File, +Inferences, -Result): as judge/6, without asking anything; Result is [Status, Answer, Notes], and each
%   note a list.

check(File, Inferences, [Status, '', Notes]) :-
    prepare(File),
    attempt(system:load_files(user:File, [silent(true)]), Inferences, _),
    (   syntax_error_noted -> Status = syntax_error ; Status = ok ),
    flush,
    all_notes(Notes).

%   analyse(+Reader, +File, +StackBytes, +Inferences, -Result): by the module lowres_analysis, whose text is Reader. It is
%   loaded here, in the child that asks, so that no worker and no program that is only judged is the larger for it.

analyse(Reader, File, StackBytes, Inferences, Result) :-
    setup_call_cleanup(open_string(Reader, Stream),
                       system:load_files(lowres_analysis, [stream(Stream), silent(true)]),
                       close(Stream)),
    Goal =.. [analyse, File, StackBytes, Inferences, Result],  % in sight, a program that asks would be told it is undefined
    lowres_analysis:Goal.

%   forget(+File, -Done): as if File had never been loaded.

forget(File, true) :-
    system:unload_file(File),
    retractall(noted(_, _, _, _)).

flush :-
    catch(flush_output(user_output), _, true),
    catch(flush_output(user_error), _, true).

%   ask(+QueryText, +Inferences, +MaxAnswer, -Status, -Answer): the first solution of the query.

ask(Text, Inferences, MaxAnswer, Status, Answer) :-
    catch(term_string(Goal, Text, [variable_names(Names), module(user)]), Error, true),
    (   var(Error)
    ->  (   Names = [_=Value|_] -> true ; Value = true ),
        attempt(user:Goal, Inferences, Outcome),
        catch(outcome(Outcome, Value, MaxAnswer, Status, Answer), Unprintable, failure(Unprintable, Status, Answer))
    ;   note_exception(Error), Status = syntax_error, Answer = ''
    ).

failure(Error, Status, '') :-
    ending(Error, Status),
    note_exception(Error).

outcome(ended(Status), _, _, Status, '').
outcome(failed, _, _, no_answer, '').
outcome(true, Value, _, no_answer, '') :-
    no_value(Value),
    !.
outcome(true, Value, MaxAnswer, ok, Answer) :- answer_text(Value, MaxAnswer, Answer), !.
outcome(true, _, _, output_limit, '').

%   no_value(+Term): unbound somewhere, endless, or arithmetic that nobody has evaluated.

no_value(Term) :- \+ acyclic_term(Term), !.
no_value(Term) :- \+ ground(Term), !.
no_value(Term) :- compound(Term), unevaluated(Term).

unevaluated(Term) :- number(Term), !.
unevaluated(Term) :- atom(Term), !, Term \== [], current_arithmetic_function(Term).
unevaluated(Term) :-
    compound(Term),
    Term \= [_|_],
    compound_name_arity(Term, Name, Arity),
    Arity > 0,
    functor(General, Name, Arity),
    current_arithmetic_function(General),
    forall(arg(_, Term, Part), unevaluated(Part)).

%   answer_text(+Term, +MaxLength, -Text): fails if it is longer. A small term may be 2^64 characters long.

answer_text(Term, MaxLength, Text) :-
    atomic(Term),
    !,
    format(atom(Text), '~w', [Term]),
    atom_length(Text, Length),
    Length =< MaxLength.
answer_text(Term, MaxLength, Text) :-
    Options = [quoted(true), numbervars(true)],
    write_length(Term, _, [max_length(MaxLength)|Options]),
    format(atom(Text), '~W', [Term, Options]).

%   attempt(:Goal, +Inferences, -Outcome): first solution; Outcome is true, failed or ended(Status).

attempt(Goal, Inferences, Outcome) :-
    catch(call_with_inference_limit(once(Goal), Inferences, Limit), Error, true),
    !,
    (   nonvar(Error) -> ending(Error, Status), note_exception(Error), Outcome = ended(Status)
    ;   Limit == inference_limit_exceeded -> Outcome = ended(timeout)
    ;   Outcome = true
    ).
attempt(_, _, failed).

ending(Error, memory_limit) :- subsumes_term(error(resource_error(_), _), Error), !.
ending(Error, memory_limit) :- subsumes_term(error(io_error(write, _), context(_, 'Cannot allocate memory')), Error), !.
ending(_, runtime_error).

prepare(File) :-
    file_directory_name(File, Directory),
    working_directory(_, Directory),
    retractall(noted(_, _, _, _)),
    at_halt(lowres_judge:stay_for_syntax_error).

%   A program that halts while it is loaded is still told its syntax errors.

stay_for_syntax_error :-
    (   syntax_error_noted -> assertz(halted), cancel_halt(syntax_error) ; true ).

%   Messages are noted before they are printed, out of reach of the program's own hooks.

:- '$hide'(noticed/2).

noticed(Kind, Term) :-
    ( Kind == error ; Kind == warning ),
    catch(note(Term, Kind), _, true),
    !.
noticed(_, _).

:- initialization(( set_prolog_flag(access_level, system),
                    prolog_wrap:wrap_predicate('$messages':print_message(Kind, Term), lowres_judge, Wrapped,
                                               ( lowres_judge:noticed(Kind, Term), Wrapped )),
                    prolog_wrap:wrap_predicate('$messages':msg_property(_, Property), lowres_judge, Found,
                                               ( lowres_judge:hurried(Property), Found )),
                    set_prolog_flag(access_level, user) )).

%   SWI-Prolog sleeps 0.1 s after each error of a file that it loads, so that somebody may read it. Nobody does here.

hurried(Property) :- \+ subsumes_term(wait(_), Property).

note(Term, Kind) :-
    (   message_to_codes_text(Term, Text) -> true ; Text = 'an error that cannot be printed' ),
    place(Term, Line, Column),
    (   syntax_term(Term) -> Severity = syntax ; Severity = Kind ),
    assertz(noted(Severity, Line, Column, Text)).

syntax_term(Term) :- subsumes_term(error(syntax_error(_), file(_, _, _, _)), Term), !.
syntax_term(Term) :- subsumes_term(error(syntax_error(_), stream(_, _, _, _)), Term).

place(Term, Line, Column) :-
    subsumes_term(error(_, file(_, _, _, _)), Term), !,
    Term = error(_, file(_, Line, Position, _)), Column is Position + 1.
place(Term, Line, Column) :-
    subsumes_term(error(_, stream(_, _, _, _)), Term), !,
    Term = error(_, stream(_, Line, Position, _)), Column is Position + 1.
place(_, Line, 0) :- source_location(_, Line), !.
place(_, 0, 0).

message_text(Lines, Text) :-
    catch(with_output_to(atom(Raw), print_message_lines(current_output, '', Lines)), _, Raw = ''),
    normalize_space(atom(Text), Raw).

note_exception(Error) :-
    (   catch(message_to_codes_text(Error, Text), _, fail) -> true ; Text = 'an error that cannot be printed' ),
    (   subsumes_term(error(existence_error(procedure, _), _), Error) -> Severity = unknown ; Severity = error ),
    assertz(noted(Severity, 0, 0, Text)).

message_to_codes_text(Error, Text) :-
    '$messages':translate_message(Error, Lines, []),
    message_text(Lines, Text).

syntax_error_noted :- noted(syntax, _, _, _), !.

all_notes(Notes) :-
    findall([Severity, Line, Column, Text], noted(Severity, Line, Column, Text), All),
    length(All, Count),
    (   Count > 50 -> length(Notes, 50), '$append'(Notes, _, All) ; Notes = All ).

%   Nobody changes what is above.

:- initialization(forall(( current_predicate(lowres_judge:Name/Arity),
                           functor(Head, Name, Arity),
                           \+ predicate_property(lowres_judge:Head, dynamic),
                           \+ predicate_property(lowres_judge:Head, imported_from(_)) ),
                         '$set_predicate_attribute'(lowres_judge:Head, system, true))).
